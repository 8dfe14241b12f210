// Instructions by their names, where the machine has them. Knows nothing.
//
// Only for files that name some: to read the header takes a compiler longer than most kernels.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif
