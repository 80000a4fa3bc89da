/* libFuzzer harness of the idx reader. */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qntk_fuzz_feed("idx", data, size);
    return 0;
}
