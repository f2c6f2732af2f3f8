/* What joins a Swift plugin to the entry: a plugin's package has one C file with one line,

     #include <sluice/swift.h>
     SLUICE_SWIFT_PLUGIN("{\"name\":\"hello\",…}")

   and its Swift file says `@c(sluice_swift_plugin) public func plugin() { register(Hello.self) }`. */
#ifndef SLUICE_SWIFT_H
#define SLUICE_SWIFT_H
#include <sluice/sluice.h>
#include <sys/random.h>

SLUICE_BEGIN

/* Written by the plugin: registers its type. Called once, before anything else of the plugin. */
void sluice_swift_plugin(void);

/* Written by the Swift SDK. */
int32_t sluice_swift_init(const sluice_host *host, void **state);
void sluice_swift_destroy(void *state);
const void *sluice_swift_get_extension(void *state, const char *id);

/* getrandom(2), for SecureRandom of the SDK: bytes written or -1. */
static inline int64_t sluice_swift_random(void *out, uint64_t size) { return getrandom(out, size, 0); }

#define SLUICE_SWIFT_PLUGIN(json) \
  SLUICE_MANIFEST(json)           \
  SLUICE_PLUGIN(sluice_swift_init, sluice_swift_destroy, sluice_swift_get_extension)

SLUICE_END
#endif
