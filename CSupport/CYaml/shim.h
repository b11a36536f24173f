#ifndef VIREO_CYAML_SHIM_H
#define VIREO_CYAML_SHIM_H

/* libyaml's parser keeps pointers to itself and its events are unions: both stay on this side. */

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <yaml.h>

typedef enum {
    CYAML_FAILED,
    CYAML_STREAM_START,
    CYAML_STREAM_END,
    CYAML_DOCUMENT_START,
    CYAML_DOCUMENT_END,
    CYAML_ALIAS,
    CYAML_SCALAR,
    CYAML_SEQUENCE_START,
    CYAML_SEQUENCE_END,
    CYAML_MAPPING_START,
    CYAML_MAPPING_END,
} cyaml_kind;

/* Pointers hold until the next event is asked for. */
typedef struct {
    cyaml_kind kind;
    /* From 1. */
    size_t line;
    size_t column;
    bool has_anchor;
    /* A tag, or a %YAML or %TAG directive of a document. */
    bool has_tag;
    /* Written without quotes and without | or >. */
    bool is_plain;
    const unsigned char *text;
    size_t text_bytes;
} cyaml_event;

typedef struct {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
} cyaml_reader;

/* Reads `bytes`, which must outlive the reader; NULL when there is no memory. */
static inline cyaml_reader *cyaml_open(const void *bytes, size_t count) {
    cyaml_reader *reader = (cyaml_reader *)calloc(1, sizeof *reader);
    if (!reader) return NULL;
    if (!yaml_parser_initialize(&reader->parser)) {
        free(reader);
        return NULL;
    }
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)bytes, count);
    return reader;
}

static inline void cyaml_drop_event(cyaml_reader *reader) {
    if (reader->has_event) yaml_event_delete(&reader->event);
    reader->has_event = false;
}

static inline void cyaml_close(cyaml_reader *reader) {
    cyaml_drop_event(reader);
    yaml_parser_delete(&reader->parser);
    free(reader);
}

/* What libyaml complains about after CYAML_FAILED; never NULL. */
static inline const char *cyaml_problem(const cyaml_reader *reader) {
    if (reader->parser.error == YAML_MEMORY_ERROR) return "no memory left to read it";
    return reader->parser.problem ? reader->parser.problem : "not YAML";
}

static inline void cyaml_describe(const yaml_event_t *raw, cyaml_event *event) {
    switch (raw->type) {
    case YAML_STREAM_START_EVENT: event->kind = CYAML_STREAM_START; break;
    case YAML_STREAM_END_EVENT: event->kind = CYAML_STREAM_END; break;
    case YAML_DOCUMENT_START_EVENT:
        event->kind = CYAML_DOCUMENT_START;
        event->has_tag = raw->data.document_start.version_directive != NULL
            || raw->data.document_start.tag_directives.start
                != raw->data.document_start.tag_directives.end;
        break;
    case YAML_DOCUMENT_END_EVENT: event->kind = CYAML_DOCUMENT_END; break;
    case YAML_ALIAS_EVENT: event->kind = CYAML_ALIAS; break;
    case YAML_SCALAR_EVENT:
        event->kind = CYAML_SCALAR;
        event->has_anchor = raw->data.scalar.anchor != NULL;
        event->has_tag = raw->data.scalar.tag != NULL;
        event->is_plain = raw->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        event->text = raw->data.scalar.value;
        event->text_bytes = raw->data.scalar.length;
        break;
    case YAML_SEQUENCE_START_EVENT:
        event->kind = CYAML_SEQUENCE_START;
        event->has_anchor = raw->data.sequence_start.anchor != NULL;
        event->has_tag = raw->data.sequence_start.tag != NULL;
        break;
    case YAML_SEQUENCE_END_EVENT: event->kind = CYAML_SEQUENCE_END; break;
    case YAML_MAPPING_START_EVENT:
        event->kind = CYAML_MAPPING_START;
        event->has_anchor = raw->data.mapping_start.anchor != NULL;
        event->has_tag = raw->data.mapping_start.tag != NULL;
        break;
    case YAML_MAPPING_END_EVENT: event->kind = CYAML_MAPPING_END; break;
    default: event->kind = CYAML_FAILED;
    }
}

/* The next event; of the kind CYAML_FAILED, with the place, when what follows is no YAML. */
static inline cyaml_event cyaml_next(cyaml_reader *reader) {
    cyaml_event event = {CYAML_FAILED, 1, 1, false, false, false, NULL, 0};
    cyaml_drop_event(reader);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        event.line = reader->parser.problem_mark.line + 1;
        event.column = reader->parser.problem_mark.column + 1;
        return event;
    }
    reader->has_event = true;
    event.line = reader->event.start_mark.line + 1;
    event.column = reader->event.start_mark.column + 1;
    cyaml_describe(&reader->event, &event);
    return event;
}

#endif
