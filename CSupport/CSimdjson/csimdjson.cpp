#include "csimdjson.h"

// The library was built with threads: the class layouts must agree.
#ifndef SIMDJSON_THREADS_ENABLED
#define SIMDJSON_THREADS_ENABLED 1
#endif
#include <simdjson.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <new>

namespace dom = simdjson::dom;

static_assert(csimdjson_padding == simdjson::SIMDJSON_PADDING, "padding");
static_assert(sizeof(csimdjson_value) == 16, "passed in two registers");

namespace {

// After a longer text the memory beyond what one of this length needs goes back to the kernel.
constexpr size_t kept_bytes_max = 65536;
constexpr size_t capacity_bytes_min = 4096;
constexpr uint64_t payload_mask = 0x00FFFFFFFFFFFFFF;
constexpr size_t scalar_bytes_max = 1024;
// A number of more bytes may have more than 19 digits, and then takes simdjson a hundred times as
// long: 50,000 of them, each half-way between two doubles, would take 100 ms.
constexpr size_t short_scalar_bytes_max = 20;
constexpr size_t long_scalars_max = 2048;

// One member's name, so that comparing seldom has to look at the text.
struct Name {
    // The first eight bytes, with zeros behind a shorter name; or a hash of all.
    uint64_t prefix;
    const uint8_t *text;
    uint32_t count;

    bool operator==(const Name &other) const noexcept {
        return prefix == other.prefix && count == other.count &&
               std::memcmp(text, other.text, count) == 0;
    }
};

// Both halves of a product of 128 bits, folded.
uint64_t folded_product(uint64_t one, uint64_t other) noexcept {
    const unsigned __int128 product = static_cast<unsigned __int128>(one) * other;
    return uint64_t(product) ^ uint64_t(product >> 64);
}

// The name with a hash of all its bytes in place of the first ones. Who does not know the key
// cannot choose names whose hashes agree.
Name hashed(Name name, uint64_t key) noexcept {
    uint64_t hash = key ^ name.count;
    size_t at = 0;
    for (; at + 8 <= name.count; at += 8) {
        uint64_t word;
        std::memcpy(&word, name.text + at, sizeof word);
        hash = folded_product(hash ^ word, 0x9E3779B97F4A7C15);
    }
    if (at < name.count) {
        uint64_t word;
        // simdjson pads its strings, so that eight bytes are there to be read.
        std::memcpy(&word, name.text + at, sizeof word);
        word &= (uint64_t(1) << (8 * (name.count - at))) - 1;
        hash = folded_product(hash ^ word, 0xD6E8FEB86659FD93);
    }
    name.prefix = hash;
    return name;
}

Name name_at(const dom::document &document, uint64_t word) noexcept {
    const uint8_t *entry = document.string_buf.get() + (word & payload_mask);
    Name name{0, entry + sizeof(uint32_t), 0};
    std::memcpy(&name.count, entry, sizeof name.count);
    // simdjson pads its strings, so that eight bytes are there to be read even for a shorter name.
    std::memcpy(&name.prefix, name.text, sizeof name.prefix);
    if (name.count < sizeof name.prefix) name.prefix &= (uint64_t(1) << (8 * name.count)) - 1;
    return name;
}

// Calls `body` with the tape index of each of the object's own names; stops when it answers false.
template <typename Body>
bool for_each_name(const uint64_t *tape, size_t object, Body body) noexcept {
    const size_t end = uint32_t(tape[object]) - 1;
    for (size_t name = object + 1; name < end;) {
        if (!body(name)) return false;
        const uint64_t value = tape[name + 1];
        switch (value >> 56) {
        case '{':
        case '[':
            name = uint32_t(value);
            break;
        case 'l':
        case 'u':
        case 'd':
            name += 3;
            break;
        default:
            name += 2;
        }
    }
    return true;
}

enum class Byte : uint8_t { scalar, space, quote, open, close, separator };

struct ByteClasses {
    Byte of[256] = {};
    constexpr ByteClasses() {
        for (char space : {' ', '\t', '\n', '\r'}) of[uint8_t(space)] = Byte::space;
        for (char open : {'{', '['}) of[uint8_t(open)] = Byte::open;
        for (char close : {'}', ']'}) of[uint8_t(close)] = Byte::close;
        for (char separator : {',', ':'}) of[uint8_t(separator)] = Byte::separator;
        of[uint8_t('"')] = Byte::quote;
    }
};
constexpr ByteClasses byte_classes;

// Index of the quote that ends the string whose text begins at `from`, or `count`.
size_t end_of_string(const uint8_t *bytes, size_t from, size_t count) noexcept {
    for (size_t at = from; at < count; at++) {
        if (bytes[at] == '"') return at;
        if (bytes[at] == '\\') at++;
    }
    return count;
}

// Counts what parsing would cost, before anything is spent on it. Only the bound matters here: a
// text that passes may still be no JSON, one that is refused would have been over the limit.
csimdjson_result census(const uint8_t *bytes, size_t count,
                        const csimdjson_limits &limits) noexcept {
    size_t tokens = 0, separators = 0, depth = 0;
    size_t scalar_bytes = 0, long_scalars = 0;
    for (size_t at = 0; at < count; at++) {
        const Byte kind = byte_classes.of[bytes[at]];
        if (kind == Byte::scalar) {
            tokens += scalar_bytes == 0;
            // What is so long is a number, or nothing: simdjson takes milliseconds for one of 1 MB.
            if (++scalar_bytes > scalar_bytes_max) {
                const uint8_t first = bytes[at + 1 - scalar_bytes];
                const bool is_number = first == '-' || (first >= '0' && first <= '9');
                return is_number ? CSIMDJSON_BAD_NUMBER : CSIMDJSON_NOT_JSON;
            }
        } else {
            long_scalars += scalar_bytes > short_scalar_bytes_max;
            if (long_scalars > long_scalars_max) return CSIMDJSON_BAD_NUMBER;
            scalar_bytes = 0;
            if (kind == Byte::quote) {
                tokens++;
                at = end_of_string(bytes, at + 1, count);
            } else if (kind == Byte::open) {
                tokens++;
                if (++depth > limits.depth_max) return CSIMDJSON_TOO_DEEP;
            } else if (kind == Byte::close) {
                if (depth-- == 0) return CSIMDJSON_NOT_JSON;
            } else if (kind == Byte::separator) {
                // In JSON a token follows each, so this counter alone says nothing new there.
                separators++;
            }
        }
        if (tokens > limits.tokens_max || separators > limits.tokens_max) {
            return CSIMDJSON_TOO_MANY_TOKENS;
        }
    }
    return CSIMDJSON_OK;
}

csimdjson_result result_of(simdjson::error_code error) noexcept {
    switch (error) {
    case simdjson::SUCCESS:
        return CSIMDJSON_OK;
    case simdjson::CAPACITY:
        return CSIMDJSON_TOO_LONG;
    case simdjson::MEMALLOC:
        return CSIMDJSON_OUT_OF_MEMORY;
    case simdjson::DEPTH_ERROR:
        return CSIMDJSON_TOO_DEEP;
    case simdjson::UTF8_ERROR:
        return CSIMDJSON_BAD_UTF8;
    case simdjson::NUMBER_ERROR:
    case simdjson::NUMBER_OUT_OF_RANGE:
        return CSIMDJSON_BAD_NUMBER;
    default:
        return CSIMDJSON_NOT_JSON;
    }
}

// Gives whole pages behind the first `kept` of `size` bytes back, and keeps the address range.
// Freeing them would not do: malloc raises its threshold for mapped blocks at each such free and
// then keeps the memory for itself.
void release_pages(void *start, size_t kept, size_t size) noexcept {
    static const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
    const uintptr_t from = (uintptr_t(start) + kept + page - 1) & ~(page - 1);
    const uintptr_t to = (uintptr_t(start) + size) & ~(page - 1);
    if (start && from < to) madvise(reinterpret_cast<void *>(from), to - from, MADV_DONTNEED);
}

} // namespace

struct csimdjson_parser {
    const csimdjson_limits limits;
    dom::parser parser{};
    size_t capacity = 0;
    std::unique_ptr<uint8_t[]> copy{};
    size_t copy_capacity = 0;
    // The longest text since pages were last given back.
    size_t longest_count = 0;
    csimdjson_document document{nullptr, nullptr};

    // Nobody outside knows it.
    uint64_t key = 0;

    explicit csimdjson_parser(csimdjson_limits its_limits) noexcept : limits(its_limits) {
        // Without randomness names are still told apart, only not as fast if somebody knew.
        if (getentropy(&key, sizeof key) != 0) key = uint64_t(uintptr_t(this));
    }

    bool make_room(size_t count) noexcept;
    void release_unused(size_t count) noexcept;
    const uint8_t *padded(const uint8_t *bytes, size_t readable_count, size_t count) noexcept;
    csimdjson_result parse(const uint8_t *bytes, size_t readable_count, size_t count) noexcept;
    csimdjson_result check_document() noexcept;
    csimdjson_result check_names_of(size_t object) noexcept;
    csimdjson_result check_names_by_hashing(size_t object, size_t count) noexcept;
};

// Grows to the next power of two and never shrinks: what counts is which pages are resident.
bool csimdjson_parser::make_room(size_t count) noexcept {
    size_t wanted = capacity_bytes_min;
    while (wanted < count) wanted *= 2;
    if (capacity >= wanted) return true;
    capacity = 0;
    // Depth 1 is the document's own in simdjson's count.
    if (parser.allocate(wanted, limits.depth_max + 1)) return false;
    if (parser.doc.allocate(wanted)) return false;
    capacity = wanted;
    return true;
}

void csimdjson_parser::release_unused(size_t count) noexcept {
    if (capacity > 0 && longest_count > kept_bytes_max && count <= kept_bytes_max) {
        const auto release = [&](void *start, size_t numerator, size_t denominator) noexcept {
            release_pages(start, kept_bytes_max * numerator / denominator,
                          capacity * numerator / denominator);
        };
        // What simdjson allocates a byte of capacity; it rounds up, so that this stays inside.
        release(parser.implementation->structural_indexes.get(), sizeof(uint32_t), 1);
        release(parser.doc.tape.get(), sizeof(uint64_t), 1);
        release(parser.doc.string_buf.get(), 5, 3);
        release_pages(copy.get(), kept_bytes_max, copy_capacity);
        longest_count = 0;
    }
    longest_count = std::max(longest_count, count);
}

const uint8_t *csimdjson_parser::padded(const uint8_t *bytes, size_t readable_count,
                                        size_t count) noexcept {
    if (readable_count - count >= simdjson::SIMDJSON_PADDING) return bytes;
    if (copy_capacity < count) {
        copy.reset(new (std::nothrow) uint8_t[capacity + simdjson::SIMDJSON_PADDING]);
        copy_capacity = copy ? capacity : 0;
        if (!copy) return nullptr;
    }
    std::memcpy(copy.get(), bytes, count);
    std::memset(copy.get() + count, 0, simdjson::SIMDJSON_PADDING);
    return copy.get();
}

csimdjson_result csimdjson_parser::parse(const uint8_t *bytes, size_t readable_count,
                                         size_t count) noexcept {
    if (count == 0) return CSIMDJSON_NOT_JSON;
    if (count > limits.bytes_max) return CSIMDJSON_TOO_LONG;
    if (count >= 3 && std::memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) return CSIMDJSON_BYTE_ORDER_MARK;
    // A text has no more tokens than bytes, and simdjson itself counts the depth of short ones.
    if (count > limits.tokens_max) {
        const csimdjson_result counted = census(bytes, count, limits);
        if (counted != CSIMDJSON_OK) return counted;
    }
    release_unused(count);
    if (!make_room(count)) return CSIMDJSON_OUT_OF_MEMORY;
    const uint8_t *text = padded(bytes, readable_count, count);
    if (!text) return CSIMDJSON_OUT_OF_MEMORY;
    const auto error = parser.parse(text, count, false).error();
    if (error) return result_of(error);
    const csimdjson_result checked = check_document();
    if (checked != CSIMDJSON_OK) return checked;
    document = {parser.doc.tape.get(), parser.doc.string_buf.get()};
    return CSIMDJSON_OK;
}

// What simdjson leaves to its user: names that come twice (the tape holds them unescaped, so that
// two spellings are the same here), and the depth of an empty array or object, which it does not
// count.
csimdjson_result csimdjson_parser::check_document() noexcept {
    const uint64_t *tape = parser.doc.tape.get();
    const size_t end = size_t(tape[0] & payload_mask);
    size_t depth = 0;
    for (size_t at = 1; at < end; at++) {
        switch (tape[at] >> 56) {
        case '{': {
            const csimdjson_result result = check_names_of(at);
            if (result != CSIMDJSON_OK) return result;
        }
            [[fallthrough]];
        case '[':
            if (++depth > limits.depth_max) return CSIMDJSON_TOO_DEEP;
            break;
        case '}':
        case ']':
            depth--;
            break;
        case 'l':
        case 'u':
        case 'd':
            at++;
        }
    }
    return CSIMDJSON_OK;
}

// A name whose bucket is still empty is new; only one that finds it taken is compared.
csimdjson_result csimdjson_parser::check_names_of(size_t object) noexcept {
    constexpr size_t compared_max = 64;
    const uint64_t *tape = parser.doc.tape.get();
    const size_t count = (tape[object] >> 32) & 0xFFFFFF;
    if (count < 2) return CSIMDJSON_OK;
    if (count > compared_max) return check_names_by_hashing(object, count);
    uint64_t taken[8] = {};
    const bool distinct = for_each_name(tape, object, [&](size_t at) noexcept {
        const Name name = name_at(parser.doc, tape[at]);
        const uint64_t mixed = (name.prefix ^ (uint64_t(name.count) << 56)) * 0x9E3779B97F4A7C15;
        const uint64_t bit = uint64_t(1) << ((mixed >> 55) & 63);
        uint64_t &word = taken[mixed >> 61];
        const bool may_come_twice = word & bit;
        word |= bit;
        return !may_come_twice || for_each_name(tape, object, [&](size_t other) noexcept {
            return other >= at || !(name_at(parser.doc, tape[other]) == name);
        });
    });
    return distinct ? CSIMDJSON_OK : CSIMDJSON_DUPLICATE_NAME;
}

// A table of names by a keyed hash, at most half full: who does not know the key cannot choose names
// that meet in it, so that each is compared with one other on average.
csimdjson_result csimdjson_parser::check_names_by_hashing(size_t object, size_t count) noexcept {
    size_t slots = 256;
    while (slots < 2 * count) slots *= 2;
    std::unique_ptr<Name[]> table(new (std::nothrow) Name[slots]());
    if (!table) return CSIMDJSON_OUT_OF_MEMORY;
    const uint64_t *tape = parser.doc.tape.get();
    size_t left = count;
    const bool distinct = for_each_name(tape, object, [&](size_t at) noexcept {
        // simdjson counts up to 2^24 members only: a frame of 1 MiB has fewer.
        if (left-- == 0) return false;
        const Name name = hashed(name_at(parser.doc, tape[at]), key);
        size_t slot = name.prefix & (slots - 1);
        for (; table[slot].text; slot = (slot + 1) & (slots - 1)) {
            if (table[slot] == name) return false;
        }
        table[slot] = name;
        return true;
    });
    return distinct ? CSIMDJSON_OK : CSIMDJSON_DUPLICATE_NAME;
}

extern "C" {

struct csimdjson_parser *csimdjson_create(struct csimdjson_limits limits) {
    return new (std::nothrow) csimdjson_parser(limits);
}

void csimdjson_destroy(struct csimdjson_parser *parser) { delete parser; }

enum csimdjson_result csimdjson_parse(struct csimdjson_parser *parser,
                                      const void *bytes CSIMDJSON_NOESCAPE,
                                      ptrdiff_t readable_count, ptrdiff_t count) {
    if (!parser) return CSIMDJSON_OUT_OF_MEMORY;
    parser->document = {nullptr, nullptr};
    if (!bytes || count <= 0 || readable_count < count) return CSIMDJSON_NOT_JSON;
    return parser->parse(static_cast<const uint8_t *>(bytes), size_t(readable_count),
                         size_t(count));
}

size_t csimdjson_memory_bytes(const struct csimdjson_parser *parser) {
    if (!parser) return 0;
    // simdjson's own: 4 bytes a structural character, 8 a tape word, 5/3 a byte of string.
    return sizeof *parser + parser->capacity * 14 + parser->copy_capacity;
}

struct csimdjson_value csimdjson_root(const struct csimdjson_parser *parser) {
    if (!parser || !parser->document.tape) return {nullptr, 0};
    return {&parser->document, 1};
}

} // extern "C"
