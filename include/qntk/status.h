/* Outcome codes and the message that goes with a failure. */
#ifndef QNTK_STATUS_H
#define QNTK_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* What a function returns. Zero is the only success. On any other code but
 * QNTK_NOT_CONVERGED the outputs are zeroed; QNTK_NOT_CONVERGED and
 * QNTK_INTERRUPTED deliver what is complete, and the docstring says how much. */
typedef enum {
    QNTK_OK = 0,
    QNTK_INVALID,       /* an argument is outside its documented domain */
    QNTK_IO,            /* the operating system refused: open, read, write, rename */
    QNTK_FORMAT,        /* a file's content is not what its format promises */
    QNTK_NO_MEMORY,     /* an allocation failed */
    QNTK_TOO_LARGE,     /* the need exceeds the memory there is; nothing was allocated */
    QNTK_NOT_FINITE,    /* NaN or infinity in an input */
    QNTK_SINGULAR,      /* a matrix that must be definite is not */
    QNTK_NOT_CONVERGED, /* an iteration stopped early; what converged is delivered */
    QNTK_UNSUPPORTED,   /* needs an optional library or program that is not there */
    QNTK_INTERRUPTED    /* qntk_interrupt was called, usually by Ctrl-C */
} qntk_status;

/* One line of text on the last failure in this thread, without a newline:
 * "data/x.csv:17: expected 5 fields, found 4". Empty if nothing failed. The
 * pointer is valid until the next failure in this thread. */
const char *qntk_message(void);

/* The name of a code, "format error" for QNTK_FORMAT. Never NULL. */
const char *qntk_status_name(qntk_status status);

/* The version, "0.1.0". */
const char *qntk_version(void);

#ifdef __cplusplus
}
#endif
#endif
