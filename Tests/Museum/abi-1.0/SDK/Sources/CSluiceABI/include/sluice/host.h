/* The host's side: where a plugin asks for the tables of the other headers, and where it writes log lines.
   A plugin imports no symbol of the host; this table is all it gets. */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H
#include <sluice/base.h>

SLUICE_BEGIN

enum { SLUICE_LOG_DEBUG = 0, SLUICE_LOG_INFO = 1, SLUICE_LOG_NOTICE = 2, SLUICE_LOG_WARN = 3, SLUICE_LOG_ERROR = 4 };

typedef struct sluice_host sluice_host;

/* One per generation of a plugin and worker; valid from init until destroy has returned. */
struct sluice_host {
  /* sizeof(sluice_host) as the host was compiled. */
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  /* The host's own; not to be read. */
  void *context;

  /* The host's side of extension `id` ("sluice.request/1", …), or NULL when this host has none. The table stays valid
     until destroy has returned. Ask in init and keep the pointer: it is a string comparison.
     [worker | any | must not park] */
  const void *(*get_extension)(const sluice_host *host, const char *id);

  /* Writes a line to the error log under the plugin's name. `level` is SLUICE_LOG_…; text past 1024 bytes is cut, control
     characters are replaced. Formats and may write to a file: not for every request. Header values and bodies do not belong here.
     [worker | any | must not park] */
  void (*log)(const sluice_host *host, uint32_t level, sluice_view text);
};

SLUICE_STATIC_ASSERT(sizeof(sluice_host) == 32, "sluice_host");
SLUICE_STATIC_ASSERT(offsetof(sluice_host, context) == 8, "sluice_host.context");
SLUICE_STATIC_ASSERT(offsetof(sluice_host, get_extension) == 16, "sluice_host.get_extension");
SLUICE_STATIC_ASSERT(offsetof(sluice_host, log) == 24, "sluice_host.log");

SLUICE_END
#endif
