/* libFuzzer harness of the reader of grids. */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qntk_fuzz_feed("sweep", data, size);
    return 0;
}
