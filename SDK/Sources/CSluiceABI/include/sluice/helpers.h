/* Less typing for C and C++ plugins; nothing here is part of the border. Not included by sluice.h.

     static int32_t init(const sluice_host *host, void **state) {
       (void)state;
       SLUICE_NEED(host, edits, SLUICE_REQUEST_EDIT_1);
       return SLUICE_OK;
     }
     static const sluice_filter_v1 filter = {.size = sizeof filter, .rewrite = rewrite};
     SLUICE_FILTER_PLUGIN(init, NULL, filter, "{\"name\":\"hello\",\"version\":\"1.0.0\",\"abi\":1,\"phases\":[\"rewrite\"]}") */
#ifndef SLUICE_HELPERS_H
#define SLUICE_HELPERS_H
#include <sluice/sluice.h>
#include <string.h>

/* In init: `table` becomes the host's table `id`, or init refuses and says which is missing. */
#define SLUICE_NEED(host, table, id)                                                  \
  do {                                                                                \
    (table) = (__typeof__(table))(host)->get_extension((host), (id));                 \
    if (!(table)) {                                                                   \
      (host)->log((host), SLUICE_LOG_ERROR, SLUICE_VIEW("this host has no " id));     \
      return SLUICE_ENOTFOUND;                                                        \
    }                                                                                 \
  } while (0)

/* In a hook: makes a call of the host, and returns its result from the hook when it failed. */
#define SLUICE_CALL(call)                     \
  do {                                        \
    int32_t sluice_status = (call);           \
    if (sluice_status < 0) return sluice_status; \
  } while (0)

/* Entry and manifest of a plugin that has the filter table and no other. */
#define SLUICE_FILTER_PLUGIN(init_function, destroy_function, filter_table, manifest) \
  static const void *sluice_filter_of(void *state, const char *id) {                  \
    (void)state;                                                                      \
    return strcmp(id, SLUICE_FILTER_1) ? (const void *)0 : &(filter_table);           \
  }                                                                                   \
  SLUICE_PLUGIN(init_function, destroy_function, sluice_filter_of)                    \
  SLUICE_MANIFEST(manifest)

/* Are these bytes the literal? */
#define SLUICE_IS(view, literal) ((view).size == sizeof(literal) - 1 && !memcmp((view).data, literal, sizeof(literal) - 1))

#endif
