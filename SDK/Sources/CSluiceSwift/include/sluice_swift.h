/* What joins a Swift plugin to the C contract: the entry, which is data and so must be C, and the functions behind it. It is linked
   into every Swift plugin together with the Swift SDK; authors never see it. Read Entry.swift next. */
#ifndef SLUICE_SWIFT_H
#define SLUICE_SWIFT_H
#include <sluice/sluice.h>
#include <sys/random.h>

SLUICE_BEGIN

/* The one line of the plugin: @c(sluice_swift_plugin) func plugin() { register(Hello.self) }. Called once, before anything else of it. */
void sluice_swift_plugin(void);

/* Written by the Swift SDK. */
int32_t sluice_swift_init(const sluice_host *host, void **state);
void sluice_swift_destroy(void *state);
const void *sluice_swift_get_extension(void *state, const char *id);

/* Declared for `register`, whose mention of it makes the linker take entry.o out of a static library. */
extern SLUICE_EXPORT const sluice_plugin_entry sluice_plugin_v1;

/* getrandom(2), for SecureRandom of the SDK: bytes written or -1. */
static inline int64_t sluice_swift_random(void *out, uint64_t size) { return getrandom(out, size, 0); }

SLUICE_END
#endif
