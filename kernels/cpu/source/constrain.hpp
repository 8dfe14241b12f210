// A mask of allowed tokens on a row of logits. Knows bits, not what they mean.
#pragma once

#include <cstdint>

#include "logit_row.hpp"

namespace penstock {

// Bit i of the words keeps logit i; all others become -inf.
inline void constrain(float* logits, std::int64_t size, const std::uint32_t* words) {
  constexpr std::int64_t BITS = 32;
  for (std::int64_t first = 0; first < size; first += BITS) {
    const std::uint32_t word = words[first / BITS];
    if (word == 0xffffffffu) continue;
    float* some = logits + first;
    const std::int64_t count = size - first < BITS ? size - first : BITS;
    for (std::int64_t i = 0; i < count; i++) some[i] = (word >> i) & 1 ? some[i] : MINUS_INFINITY;
  }
}

}  // namespace penstock
