/* "sluice.crypto/1" without a gateway, for the fake hosts of both languages. The work is done by the gateway's own files (the links beside
   table.c lead to them), the checks of arguments are in table.c. Needs OpenSSL's headers and libcrypto; a plugin itself never does. */
#pragma once
#include <sluice/crypto.h>

/* Keys and streams belong to the sluice_host that made them, as to a generation. One thread. */
extern const sluice_crypto_v1 sluice_fake_crypto;
/* After destroy: whatever `host` still has is wiped. Returns how many there were. */
uint32_t sluice_fake_crypto_end(const sluice_host *host);
