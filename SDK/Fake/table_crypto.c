/* sluice.crypto/1 of the fake host: one file of what lies in crypto/, so that a test still compiles every .c file of this folder and no
   other. Only where OpenSSL's headers are; the test is then linked with libcrypto (`pkg-config --libs libcrypto`). */
#include "fake.h"
#ifdef FAKE_HAS_CRYPTO
#include "crypto/digest.c"
#include "crypto/gcm.c"
#include "crypto/text.c"
#include "crypto/verify.c"
#include "crypto/table.c"
#endif
