#include "CLibFuzzer.h"

extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit) __attribute__((weak));

size_t chumgate_libfuzzer_mutate(uint8_t *data, size_t size, size_t limit) {
  return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, limit) : 0;
}

int chumgate_is_libfuzzer(void) { return LLVMFuzzerMutate != 0; }
