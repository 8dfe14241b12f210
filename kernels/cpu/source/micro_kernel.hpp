// The inner product of rows with one panel, a few of them at a time. Knows registers, not threads.
//
// Every sum is one chain of additions over k in ascending order, whatever the number of tokens beside it: that is
// what makes a sequence's numbers independent of its company. Speed comes from many chains at once.
#pragma once

#include <cstdint>

#include "epilogue.hpp"
#include "simd.hpp"

namespace penstock {

// Rows [first, end) of x [rows, depth] with the panel of this number, which lies at `panel`; see panels.hpp.
void multiply_rows(const float* x, std::int64_t depth, const float* panel, std::int64_t first, std::int64_t end,
                   std::int64_t number, const Epilogue& finish);
void multiply_rows(const bf16* x, std::int64_t depth, const bf16* panel, std::int64_t first, std::int64_t end,
                   std::int64_t number, const Epilogue& finish);

// What a micro-kernel adds up, as registers of its own until it leaves them.
template <int TOKENS>
struct Registers {
  f32x16 left[TOKENS] = {};
  f32x16 right[TOKENS] = {};

  void leave(Sums& sums) const {
#pragma GCC unroll 16
    for (int t = 0; t < TOKENS; t++) {
      sums.left[t] = left[t];
      sums.right[t] = right[t];
    }
  }
};

// Cuts rows [first, end) into groups of equal size, `most` at most: a last one with few rows would use few of the registers.
template <class Callable>
inline void each_group(std::int64_t first, std::int64_t end, int most, const Callable& body) {
  const std::int64_t count = end - first, groups = (count + most - 1) / most;
  for (std::int64_t group = 0; group < groups; group++) {
    const std::int64_t row = first + count * group / groups, next = first + count * (group + 1) / groups;
    body(row, int(next - row));
  }
}

}  // namespace penstock
