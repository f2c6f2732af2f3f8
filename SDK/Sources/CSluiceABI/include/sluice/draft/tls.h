/* Draft: hooks of the TLS handshake; not promised, and no host serves it yet. "sluice.tls/1" is the plugin's side, "sluice.handshake/1" the
   host's. Draft headers are not included by sluice.h and may change in any release; a plugin lists their ids in "optional", never in
   "needs". Promised tables are in the folder above. */
#ifndef SLUICE_DRAFT_TLS_H
#define SLUICE_DRAFT_TLS_H
#include <sluice/base.h>

SLUICE_BEGIN

#define SLUICE_TLS_1 "sluice.tls/1"
#define SLUICE_HANDSHAKE_1 "sluice.handshake/1"

typedef struct sluice_tls_v1 {
  /* sizeof(sluice_tls_v1) as the plugin was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The client hello was read and nothing was answered: choose the protocol, or refuse with a negative result (the handshake ends with
     the alert access_denied). `state` is the plugin's own: no route is known yet. [worker | ssl_client_hello | may park] */
  int32_t (*client_hello)(void *state, sluice_handshake *handshake);

  /* A certificate is needed: set one, or leave the configured choice by SNI. [worker | ssl_certificate | may park] */
  int32_t (*certificate)(void *state, sluice_handshake *handshake);
} sluice_tls_v1;

typedef struct sluice_handshake_v1 {
  /* sizeof(sluice_handshake_v1) as the host was compiled. */
  uint32_t size;
  uint32_t reserved;

  /* The name that the client asked for (SNI, RFC 6066 section 3), lower case; SLUICE_ENOTFOUND: it sent none.
     [worker | ssl_client_hello, ssl_certificate | must not park] */
  int32_t (*server_name)(const sluice_handshake *handshake, sluice_view *name);

  /* Text of the client's IP address. [worker | ssl_client_hello, ssl_certificate | must not park] */
  int32_t (*source_address)(const sluice_handshake *handshake, sluice_view *address);

  /* Highest protocol version that the client offers, as on the wire: 0x0303 is TLS 1.2, 0x0304 is TLS 1.3.
     [worker | ssl_client_hello, ssl_certificate | must not park] */
  uint32_t (*version_max)(const sluice_handshake *handshake);

  /* Cipher suites that the client offers, in its order, as on the wire (RFC 8446 section 4.1.2), at most `room`; `*count` is how many there
     are. SLUICE_ELIMIT: more than `room`. [worker | ssl_client_hello, ssl_certificate | must not park] */
  int32_t (*ciphers)(const sluice_handshake *handshake, uint16_t *suites, uint32_t room, uint32_t *count);

  /* Application protocols that the client offers (ALPN, RFC 7301), in its order; as ciphers.
     [worker | ssl_client_hello, ssl_certificate | must not park] */
  int32_t (*protocols)(const sluice_handshake *handshake, sluice_view *names, uint32_t room, uint32_t *count);

  /* The protocol that is agreed on: one of those offered that this gateway speaks on the listener. SLUICE_EINVAL: it is not.
     [worker | ssl_client_hello | must not park] */
  int32_t (*choose_protocol)(sluice_handshake *handshake, sluice_view name);

  /* Certificate chain (leaf first) and private key for this handshake, both PEM, at most 64 KiB each; parsed, then copied: keep them parsed
     with a name (set_certificate_named) when they serve many. SLUICE_EINVAL: malformed, or the key does not belong to the leaf.
     [worker | ssl_certificate | must not park] */
  int32_t (*set_certificate)(sluice_handshake *handshake, sluice_view chain_pem, sluice_view key_pem);

  /* A certificate of the configuration by its id. SLUICE_ENOTFOUND: none has it. [worker | ssl_certificate | must not park] */
  int32_t (*set_certificate_named)(sluice_handshake *handshake, sluice_view id);
} sluice_handshake_v1;

SLUICE_STATIC_ASSERT(sizeof(sluice_tls_v1) == 24 && offsetof(sluice_tls_v1, certificate) == 16, "sluice_tls_v1");
SLUICE_STATIC_ASSERT(sizeof(sluice_handshake_v1) == 72, "sluice_handshake_v1");
SLUICE_STATIC_ASSERT(offsetof(sluice_handshake_v1, set_certificate) == 56, "sluice_handshake_v1.set_certificate");

SLUICE_END
#endif
