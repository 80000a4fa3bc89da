/* libFuzzer harness of the reader of saved models. */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qntk_fuzz_feed("checkpoint", data, size);
    return 0;
}
