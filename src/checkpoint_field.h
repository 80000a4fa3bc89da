/* Fields of a binary file, in either direction: one list of calls writes them or reads them back. After a failure, which
 * the stream remembers, nothing more happens. */
#ifndef QNTK_CHECKPOINT_FIELD_H
#define QNTK_CHECKPOINT_FIELD_H

#include <stdint.h>
#include <stdio.h>

#include "internal.h"

typedef struct {
    const char *path;
    qntk_file *out; /* writing, or NULL */
    FILE *in;       /* reading, or NULL */
    uint32_t crc;   /* of what was written */
    size_t left;    /* bytes to read before the checksum */
    uint32_t version;
    qntk_status status;
} qntk_field_stream;

/* QNTK_FORMAT "path: what", if nothing failed before. */
void qntk_field_fail(qntk_field_stream *s, const char *what);

/* CRC-32 of bytes, continuing `crc`. */
uint32_t qntk_field_crc(uint32_t crc, const void *bytes, size_t count);

void qntk_field_bytes(qntk_field_stream *s, void *bytes, size_t count);
void qntk_field_u32(qntk_field_stream *s, uint32_t *value);
void qntk_field_u64(qntk_field_stream *s, uint64_t *value);
void qntk_field_number(qntk_field_stream *s, double *value);
void qntk_field_count(qntk_field_stream *s, size_t *value); /* 64 bits */
void qntk_field_flag(qntk_field_stream *s, bool *value);

/* True if the file may still hold `count` pieces of `size` bytes; fails otherwise. To be asked before an
 * allocation that a damaged size would make absurd. */
bool qntk_field_has_room(qntk_field_stream *s, size_t count, size_t size);

/* An array that is allocated where it is read; `present` false: NULL. */
void qntk_field_array(qntk_field_stream *s, bool present, void **values, size_t count, size_t size);

/* A list of names, or NULL. */
void qntk_field_names(qntk_field_stream *s, char ***names, size_t count);

/* Compares the checksum and sets how much there is before it; leaves the file at its start. */
void qntk_field_check_sum(qntk_field_stream *s);

#endif
