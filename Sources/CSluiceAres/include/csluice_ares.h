/* Names to addresses by c-ares, without a thread: whoever owns a resolver watches its descriptor and calls `process`. No type of c-ares
   passes this border. One thread. */
#pragma once
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

enum { CS_ADDRESSES_MAX = 8 };
typedef struct cs_address { struct sockaddr_storage storage; socklen_t length; } cs_address;

typedef struct cs_resolver cs_resolver;
/* `count` addresses in the order in which they are to be tried (RFC 6724), 0 when the name has none or the servers failed. */
typedef void (*cs_resolved)(void *argument, const cs_address *addresses, int count);

/* Reads resolv.conf(5) and hosts(5). NULL: no memory, or no descriptor. */
cs_resolver *cs_resolver_new(int timeout_ms, int tries);
/* Readable when `process` has something to do. */
int cs_resolver_descriptor(const cs_resolver *r);
/* Milliseconds until `process` has something to do without that; -1: nothing is asked. */
int cs_resolver_wait_ms(cs_resolver *r);
void cs_resolver_process(cs_resolver *r);
/* `done` is called once, perhaps before this returns. `name` is NUL-terminated. */
void cs_resolve(cs_resolver *r, const char *name, uint16_t port, cs_resolved done, void *argument);
/* Every lookup that is under way ends with no address. */
void cs_resolver_free(cs_resolver *r);
