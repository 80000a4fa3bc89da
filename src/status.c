/* Outcome codes and the thread's message. */
#include "internal.h"

#include <gsl/gsl_errno.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[1024];
#undef qntk_fail /* internal.h wraps it for the analyzer */

qntk_status qntk_fail(qntk_status status, const char *format, ...)
{
    /* The arguments may point into `message` itself (an outer layer adding context). */
    char text[sizeof message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < sizeof text; i++) {
        message[i] = text[i];
        if (text[i] == '\0')
            break;
    }
    return status;
}

const char *qntk_message(void)
{
    return message;
}

const char *qntk_status_name(qntk_status status)
{
    switch (status) {
    case QNTK_OK:
        return "success";
    case QNTK_INVALID:
        return "invalid argument";
    case QNTK_IO:
        return "input/output error";
    case QNTK_FORMAT:
        return "format error";
    case QNTK_NO_MEMORY:
        return "out of memory";
    case QNTK_TOO_LARGE:
        return "too large";
    case QNTK_NOT_FINITE:
        return "not finite";
    case QNTK_SINGULAR:
        return "singular matrix";
    case QNTK_NOT_CONVERGED:
        return "not converged";
    case QNTK_UNSUPPORTED:
        return "not supported";
    case QNTK_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}

const char *qntk_version(void)
{
    return QNTK_VERSION;
}

/* GSL aborts the process on an error unless told not to; a library must not. */
__attribute__((constructor)) static void switch_off_gsl_abort(void)
{
    gsl_set_error_handler_off();
}
