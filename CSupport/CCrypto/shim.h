#ifndef VIREO_CCRYPTO_SHIM_H
#define VIREO_CCRYPTO_SHIM_H

/* The few things that Vireo asks of libcrypto, over spans, so that their callers hold no pointer.
 *
 * Every call answers 1 for done, or for "it holds"; anything else is a failure and is to be treated as
 * "it does not hold". Where a length is fixed, a span of another length is a failure. */

#include <stddef.h>
#include <stdint.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#if defined(__has_feature)
#if __has_feature(bounds_safety_attributes)
#define CCRYPTO_SIZED_BY(count) __attribute__((__sized_by__(count)))
#endif
#endif
#if !defined(CCRYPTO_SIZED_BY)
#define CCRYPTO_SIZED_BY(count)
#endif
#if defined(__clang__)
#define CCRYPTO_NOESCAPE __attribute__((noescape))
#else
#define CCRYPTO_NOESCAPE
#endif

/* RFC 2104 with SHA-256; `code` has 32 bytes. */
static inline int ccrypto_hmac_sha256(
    const void *CCRYPTO_SIZED_BY(key_count) key CCRYPTO_NOESCAPE, ptrdiff_t key_count,
    const void *CCRYPTO_SIZED_BY(text_count) text CCRYPTO_NOESCAPE, ptrdiff_t text_count,
    void *CCRYPTO_SIZED_BY(code_count) code CCRYPTO_NOESCAPE, ptrdiff_t code_count) {
    unsigned int written = 0;
    if (code_count != 32 || key_count > 4096) return 0;
    if (!HMAC(EVP_sha256(), key, (int)key_count, (const unsigned char *)text, (size_t)text_count,
              (unsigned char *)code, &written))
        return 0;
    return written == 32;
}

/* Whether both are the same, in a time that depends on their length alone. */
static inline int ccrypto_equal(
    const void *CCRYPTO_SIZED_BY(left_count) left CCRYPTO_NOESCAPE, ptrdiff_t left_count,
    const void *CCRYPTO_SIZED_BY(right_count) right CCRYPTO_NOESCAPE, ptrdiff_t right_count) {
    if (left_count != right_count) return 0;
    return CRYPTO_memcmp(left, right, (size_t)left_count) == 0;
}

/* RFC 8032; the key has 32 bytes, the signature 64. */
static inline int ccrypto_ed25519_verify(
    const void *CCRYPTO_SIZED_BY(key_count) key CCRYPTO_NOESCAPE, ptrdiff_t key_count,
    const void *CCRYPTO_SIZED_BY(text_count) text CCRYPTO_NOESCAPE, ptrdiff_t text_count,
    const void *CCRYPTO_SIZED_BY(signature_count) signature CCRYPTO_NOESCAPE,
    ptrdiff_t signature_count) {
    if (key_count != 32 || signature_count != 64) return 0;
    EVP_PKEY *raw = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int holds = raw && context
        && EVP_DigestVerifyInit(context, NULL, NULL, NULL, raw) == 1
        && EVP_DigestVerify(context, (const unsigned char *)signature, 64,
                            (const unsigned char *)text, (size_t)text_count) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(raw);
    return holds;
}

/* RFC 8032; the private key is its seed of 32 bytes, the signature has 64. */
static inline int ccrypto_ed25519_sign(
    const void *CCRYPTO_SIZED_BY(seed_count) seed CCRYPTO_NOESCAPE, ptrdiff_t seed_count,
    const void *CCRYPTO_SIZED_BY(text_count) text CCRYPTO_NOESCAPE, ptrdiff_t text_count,
    void *CCRYPTO_SIZED_BY(signature_count) signature CCRYPTO_NOESCAPE, ptrdiff_t signature_count) {
    size_t written = 64;
    if (seed_count != 32 || signature_count != 64) return 0;
    EVP_PKEY *raw = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)seed, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = raw && context
        && EVP_DigestSignInit(context, NULL, NULL, NULL, raw) == 1
        && EVP_DigestSign(context, (unsigned char *)signature, &written,
                          (const unsigned char *)text, (size_t)text_count) == 1
        && written == 64;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(raw);
    return done;
}

/* The public key, 32 bytes, of a seed. */
static inline int ccrypto_ed25519_public_key(
    const void *CCRYPTO_SIZED_BY(seed_count) seed CCRYPTO_NOESCAPE, ptrdiff_t seed_count,
    void *CCRYPTO_SIZED_BY(key_count) key CCRYPTO_NOESCAPE, ptrdiff_t key_count) {
    size_t written = 32;
    if (seed_count != 32 || key_count != 32) return 0;
    EVP_PKEY *raw = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)seed, 32);
    int done = raw && EVP_PKEY_get_raw_public_key(raw, (unsigned char *)key, &written) == 1
        && written == 32;
    EVP_PKEY_free(raw);
    return done;
}

#endif
