#ifndef CHUMGATE_CLIBFUZZER_H
#define CHUMGATE_CLIBFUZZER_H
#include <stddef.h>
#include <stdint.h>

// libFuzzer's own mutation, which knows the comparisons that the program made. The symbol is weak, so that the same
// programs link without the sanitizer; then there is no mutation, and the result is zero.
size_t chumgate_libfuzzer_mutate(uint8_t *data, size_t size, size_t limit);

// True in a program that libFuzzer drives.
int chumgate_is_libfuzzer(void);

#endif
