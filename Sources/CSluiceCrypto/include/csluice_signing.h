/* Making keys and signatures, for the command line; checking them is in csluice_crypto.h. No OpenSSL type passes this border. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* A new Ed25519 key pair as PEM texts (RFC 8410) into `secret` and `open`; 1 on success, 0 when the library refused or a room is too small. */
int cs_ed25519_generate(uint8_t *secret, size_t secret_room, size_t *secret_size, uint8_t *open, size_t open_room, size_t *open_size);

/* Signature of the `size` bytes at `p` by the secret key in the PEM text of `n` bytes; 0: not such a key (one with a passphrase neither). */
int cs_ed25519_sign(const uint8_t *pem, size_t n, const void *p, size_t size, uint8_t out[64]);

/* Overwrites `n` bytes in a way that the compiler keeps. */
void cs_wipe(void *p, size_t n);
