#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* EVP_EC_gen is a macro over a variadic function, which Swift cannot call. */
static inline EVP_PKEY *chumgate_p256_key(void) { return EVP_EC_gen("P-256"); }
