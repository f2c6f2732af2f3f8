/* The entry: the one symbol that a plugin exports. The host reads it after dlopen, before anything of the plugin but
   its constructors has run (avoid those). What a request does with the plugin is in filter.h.

     static int32_t init(const sluice_host *host, void **state) { … return SLUICE_OK; }
     SLUICE_PLUGIN(init, destroy, get_extension)
     SLUICE_MANIFEST("{\"name\":\"hello\",…}")                                                                     */
#ifndef SLUICE_PLUGIN_H
#define SLUICE_PLUGIN_H
#include <sluice/base.h>
#include <sluice/host.h>

SLUICE_BEGIN

#define SLUICE_MAGIC 0x3156454349554c53ull /* "SLUICEV1", little-endian */
#define SLUICE_ABI_MAJOR 1u
#define SLUICE_ABI_MINOR 0u

typedef struct sluice_plugin_entry {
  /* sizeof(sluice_plugin_entry) as the plugin was compiled. */
  uint32_t size;
  /* SLUICE_ABI_MAJOR must equal the host's; SLUICE_ABI_MINOR informs and never gates. */
  uint16_t abi_major;
  uint16_t abi_minor;
  /* SLUICE_MAGIC */
  uint64_t magic;

  /* Called once per worker process and generation, before any other function. `host` stays valid until destroy has
     returned. `*state` is the plugin's own and is handed to the functions below; it may stay NULL. A negative result
     refuses the load: nothing else of the plugin is called, destroy neither. Required.
     [worker | while loading | must not park] */
  int32_t (*init)(const sluice_host *host, void **state);

  /* Called once, after every instance was released and no request uses the plugin. Give everything back: memory,
     descriptors, threads; the file is unmapped afterwards. Optional.
     [worker | while unloading | must not park] */
  void (*destroy)(void *state);

  /* The plugin's side of extension `id` ("sluice.filter/1", …), or NULL when it has none. The table must stay valid
     and unchanged until destroy. May be called more than once, and before the first request only. Required.
     [worker | while loading | must not park] */
  const void *(*get_extension)(void *state, const char *id);
} sluice_plugin_entry;

/* Declares the entry under its exported name; the major version is in the name. */
#define SLUICE_PLUGIN(init_function, destroy_function, get_extension_function)                     \
  SLUICE_BEGIN                                                                                     \
  extern SLUICE_EXPORT const sluice_plugin_entry sluice_plugin_v1;                                 \
  const sluice_plugin_entry sluice_plugin_v1 = {                                                   \
      sizeof(sluice_plugin_entry), SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR, SLUICE_MAGIC,               \
      init_function,               destroy_function, get_extension_function};                      \
  SLUICE_END

SLUICE_STATIC_ASSERT(sizeof(sluice_plugin_entry) == 40, "sluice_plugin_entry");
SLUICE_STATIC_ASSERT(offsetof(sluice_plugin_entry, magic) == 8, "sluice_plugin_entry.magic");
SLUICE_STATIC_ASSERT(offsetof(sluice_plugin_entry, init) == 16, "sluice_plugin_entry.init");
SLUICE_STATIC_ASSERT(offsetof(sluice_plugin_entry, get_extension) == 32, "sluice_plugin_entry.get_extension");

SLUICE_END
#endif
