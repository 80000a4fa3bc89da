/* libFuzzer harness of the arff reader. */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    qntk_fuzz_feed("arff", data, size);
    return 0;
}
