#ifndef VIREO_CSIMDJSON_H
#define VIREO_CSIMDJSON_H

/* A C face over simdjson's DOM: one parser, one document at a time, made for bytes from strangers.
 *
 * What RFC 8259 forbids is refused, and so are byte order marks, the same name twice in one object,
 * and more depth, tokens or bytes than the limits below. Nothing here throws, blocks or does I/O.
 * Every function accepts NULL where it takes a pointer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* With these two, Swift sees (pointer, count) as one span, so that a caller needs no `unsafe`.
 * Compilers know the first only with an experimental flag: Swift's SafeInteropWrappers sets it, and
 * a Swift target without that feature sees plain pointers. */
#if __has_feature(bounds_safety_attributes)
#define CSIMDJSON_SIZED_BY(count) __attribute__((__sized_by__(count)))
#else
#define CSIMDJSON_SIZED_BY(count)
#endif
#define CSIMDJSON_NOESCAPE __attribute__((noescape))

/* Readable bytes that simdjson wants after the text; it never looks at what they hold. */
static const ptrdiff_t csimdjson_padding = 64;

enum csimdjson_result {
    CSIMDJSON_OK = 0,
    /* Not a JSON text (RFC 8259): trailing content, an empty text and a lone surrogate too. */
    CSIMDJSON_NOT_JSON,
    /* Not UTF-8. */
    CSIMDJSON_BAD_UTF8,
    /* Starts with a byte order mark. */
    CSIMDJSON_BYTE_ORDER_MARK,
    /* A number that is malformed, an integer beyond 64 bits, or one that no double can hold. In a
     * text of more than `tokens_max` bytes also one of more than 1,024 bytes, and the 2,049th of
     * more than 20. */
    CSIMDJSON_BAD_NUMBER,
    CSIMDJSON_TOO_DEEP,
    CSIMDJSON_TOO_MANY_TOKENS,
    CSIMDJSON_TOO_LONG,
    CSIMDJSON_DUPLICATE_NAME,
    CSIMDJSON_OUT_OF_MEMORY,
};

/* bytes_max: the longest text; depth_max: the most brackets open at once; tokens_max: the most
 * values and member names, an array or object counting once. */
struct csimdjson_limits {
    uint32_t bytes_max;
    uint32_t depth_max;
    uint32_t tokens_max;
};

struct csimdjson_parser;

/* NULL when memory is short. Allocates with the first text what one of its length needs; a longer
 * one makes it grow, and the first short one after that gives back the pages that it touched. */
struct csimdjson_parser *csimdjson_create(struct csimdjson_limits limits);
void csimdjson_destroy(struct csimdjson_parser *parser);

/* Parses the first `count` bytes of the `readable_count` that start at `bytes`. With at least
 * csimdjson_padding readable bytes after the text it is parsed where it lies, else copied first.
 * Values of the text before become invalid; the bytes are not needed after the call. */
enum csimdjson_result csimdjson_parse(struct csimdjson_parser *parser,
                                      const void *CSIMDJSON_SIZED_BY(readable_count) bytes
                                          CSIMDJSON_NOESCAPE,
                                      ptrdiff_t readable_count, ptrdiff_t count);

/* Bytes of address space that the parser holds on the heap now, touched or not. */
size_t csimdjson_memory_bytes(const struct csimdjson_parser *parser);

/* What was parsed, as simdjson lays it out (doc/tape.md there): 64-bit words with the type in the
 * top byte. The readers below are here so that they inline into Swift. */
struct csimdjson_document {
    const uint64_t *tape;
    const uint8_t *strings;
};

/* One value: its word on the tape. A value without a document is no value at all ("missing"). */
struct csimdjson_value {
    const struct csimdjson_document *document;
    uint64_t index;
};

/* The whole text's value; missing when the last parse failed. */
struct csimdjson_value csimdjson_root(const struct csimdjson_parser *parser);

/* The type's letter on the tape. */
enum csimdjson_type {
    CSIMDJSON_MISSING = 0,
    CSIMDJSON_OBJECT = '{',
    CSIMDJSON_ARRAY = '[',
    CSIMDJSON_STRING = '"',
    CSIMDJSON_SIGNED = 'l',
    CSIMDJSON_UNSIGNED = 'u',
    CSIMDJSON_DOUBLE = 'd',
    CSIMDJSON_TRUE = 't',
    CSIMDJSON_FALSE = 'f',
    CSIMDJSON_NULL = 'n',
};

static inline uint64_t csimdjson_word(struct csimdjson_value value) {
    return value.document ? value.document->tape[value.index] : 0;
}

static inline uint64_t csimdjson_payload(struct csimdjson_value value) {
    return csimdjson_word(value) & 0x00FFFFFFFFFFFFFF;
}

static inline enum csimdjson_type csimdjson_type_of(struct csimdjson_value value) {
    return (enum csimdjson_type)(csimdjson_word(value) >> 56);
}

/* `index` of the same document, or missing where a closing bracket stands. */
static inline struct csimdjson_value csimdjson_unless_closed(struct csimdjson_value value,
                                                             uint64_t index) {
    const uint64_t letter = value.document->tape[index] >> 56;
    struct csimdjson_value found = {value.document, index};
    if (letter == '}' || letter == ']' || letter == 'r') found.document = NULL;
    return found;
}

/* The first element of an array, or the first member's name in an object; missing when there is
 * none or `value` is not of that type. */
static inline struct csimdjson_value csimdjson_first(struct csimdjson_value value,
                                                     enum csimdjson_type type) {
    if (csimdjson_type_of(value) != type) {
        value.document = NULL;
        return value;
    }
    return csimdjson_unless_closed(value, value.index + 1);
}

/* What follows `value` in its array, or the name that follows a member's value. */
static inline struct csimdjson_value csimdjson_next(struct csimdjson_value value) {
    uint64_t index = value.index + 1;
    switch (csimdjson_type_of(value)) {
    case CSIMDJSON_OBJECT:
    case CSIMDJSON_ARRAY:
        index = (uint32_t)csimdjson_word(value);
        break;
    case CSIMDJSON_SIGNED:
    case CSIMDJSON_UNSIGNED:
    case CSIMDJSON_DOUBLE:
        index += 1;
        break;
    case CSIMDJSON_MISSING:
        return value;
    default:
        break;
    }
    return csimdjson_unless_closed(value, index);
}

/* The value that belongs to a member's name. */
static inline struct csimdjson_value csimdjson_value_of(struct csimdjson_value name) {
    if (name.document) name.index += 1;
    return name;
}

/* Elements of an array or members of an object; 0 for anything else. */
static inline uint32_t csimdjson_count(struct csimdjson_value value) {
    const enum csimdjson_type type = csimdjson_type_of(value);
    if (type != CSIMDJSON_OBJECT && type != CSIMDJSON_ARRAY) return 0;
    return (uint32_t)(csimdjson_word(value) >> 32) & 0xFFFFFF;
}

/* UTF-8 of a string, unescaped; it may hold zero bytes. NULL for anything else. */
static inline const void *csimdjson_string(struct csimdjson_value value) {
    if (csimdjson_type_of(value) != CSIMDJSON_STRING) return NULL;
    return value.document->strings + csimdjson_payload(value) + sizeof(uint32_t);
}

static inline ptrdiff_t csimdjson_string_count(struct csimdjson_value value) {
    uint32_t count = 0;
    if (csimdjson_type_of(value) != CSIMDJSON_STRING) return 0;
    memcpy(&count, value.document->strings + csimdjson_payload(value), sizeof count);
    return (ptrdiff_t)count;
}

/* memcmp(3) == 0, inline for the lengths that names have: two loads that may overlap. */
static inline bool csimdjson_bytes_equal(const char *one, const char *other, ptrdiff_t count) {
    uint64_t a = 0, b = 0, c = 0, d = 0;
    if (count > 16) return memcmp(one, other, (size_t)count) == 0;
    const ptrdiff_t width = count >= 8 ? 8 : count >= 4 ? 4 : 0;
    if (width == 8) {
        memcpy(&a, one, 8);
        memcpy(&b, other, 8);
        memcpy(&c, one + count - 8, 8);
        memcpy(&d, other + count - 8, 8);
    } else if (width == 4) {
        memcpy(&a, one, 4);
        memcpy(&b, other, 4);
        memcpy(&c, one + count - 4, 4);
        memcpy(&d, other + count - 4, 4);
    } else {
        for (ptrdiff_t i = 0; i < count; i++) a |= (uint64_t)(one[i] ^ other[i]);
    }
    return a == b && c == d;
}

static inline bool csimdjson_string_equals(struct csimdjson_value value,
                                           const void *CSIMDJSON_SIZED_BY(count) text
                                               CSIMDJSON_NOESCAPE,
                                           ptrdiff_t count) {
    return csimdjson_type_of(value) == CSIMDJSON_STRING && csimdjson_string_count(value) == count &&
           csimdjson_bytes_equal((const char *)csimdjson_string(value), (const char *)text, count);
}

/* The name that equals `text` in an object: looked for from `start` on, which is one of its names
 * or missing, then from the first on. Missing when there is none. */
static inline struct csimdjson_value csimdjson_find(struct csimdjson_value object,
                                                    struct csimdjson_value start,
                                                    const void *CSIMDJSON_SIZED_BY(count) text
                                                        CSIMDJSON_NOESCAPE,
                                                    ptrdiff_t count) {
    struct csimdjson_value name = start;
    while (name.document && !csimdjson_string_equals(name, text, count)) {
        name = csimdjson_next(csimdjson_value_of(name));
    }
    if (name.document) return name;
    name = csimdjson_first(object, CSIMDJSON_OBJECT);
    while (name.document && !csimdjson_string_equals(name, text, count)) {
        name = csimdjson_next(csimdjson_value_of(name));
    }
    return name;
}

/* Bits of the number that follows a word; meaningful for the three number types only. */
static inline uint64_t csimdjson_number_bits(struct csimdjson_value value) {
    return value.document ? value.document->tape[value.index + 1] : 0;
}

#ifdef __cplusplus
}
#endif

#endif
