#ifndef VIREO_CCRYPTO_DIGEST_H
#define VIREO_CCRYPTO_DIGEST_H

/* SHA-256 of bytes, and of an open file. 1 is done, anything else a failure. */

#include <errno.h>
#include <unistd.h>
#include "shim.h"

#if defined(__has_feature)
#if __has_feature(bounds_safety_attributes)
#define CCRYPTO_COUNTED_BY(count) __attribute__((__counted_by__(count)))
#endif
#endif
#if !defined(CCRYPTO_COUNTED_BY)
#define CCRYPTO_COUNTED_BY(count)
#endif

/* FIPS 180-4; `digest` has 32 bytes. */
static inline int ccrypto_sha256(
    const void *CCRYPTO_SIZED_BY(count) bytes CCRYPTO_NOESCAPE, ptrdiff_t count,
    uint8_t *CCRYPTO_COUNTED_BY(digest_count) digest CCRYPTO_NOESCAPE, ptrdiff_t digest_count) {
    unsigned int written = 0;
    if (digest_count != 32) return 0;
    return EVP_Digest(bytes, (size_t)count, digest, &written, EVP_sha256(), NULL) == 1;
}

/* The same of the first `count` bytes of a file; a file that is shorter is a failure. */
static inline int ccrypto_sha256_of_file(
    int fd, int64_t count,
    uint8_t *CCRYPTO_COUNTED_BY(digest_count) digest CCRYPTO_NOESCAPE, ptrdiff_t digest_count) {
    if (digest_count != 32) return 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context) return 0;
    int good = EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    int64_t done = 0;
    unsigned char buffer[16384];
    while (good == 1 && done < count) {
        size_t wanted = sizeof buffer;
        if ((int64_t)wanted > count - done) wanted = (size_t)(count - done);
        ssize_t got = pread(fd, buffer, wanted, (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) { good = 0; break; }
        good = EVP_DigestUpdate(context, buffer, (size_t)got);
        done += got;
    }
    if (good == 1) good = EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    return good == 1;
}

#endif
