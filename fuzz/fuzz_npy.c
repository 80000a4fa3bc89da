/* libFuzzer harness of the npy reader. */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qntk_fuzz_feed("npy", data, size);
    return 0;
}
