// The norm of one row, for the operations that need it inside. Knows no tokens.
#pragma once

#include <cstdint>

#include "simd.hpp"

namespace penstock {

// Rounding to the model's dtype happens before the weight is applied, as the models were trained.
inline f32x16 rounded(f32x16 v, const bf16*) {
  return (f32x16)(__builtin_convertvector(narrow(v), u32x16) << 16);
}
inline f32x16 rounded(f32x16 v, const float*) { return v; }

// x and out may be the same place when both are float. `out` is in the model's dtype, or float where more is to be done.
template <class T, class Out>
void rms_norm(const float* x, const T* weight, Out* out, std::int64_t width, float eps) {
  const std::int64_t whole = width / LANES * LANES;
  const int rest = static_cast<int>(width - whole);
  f32x16 squares[4] = {};
  std::int64_t i = 0;
  for (int chain = 0; i < whole; i += LANES, chain = (chain + 1) % 4) {
    const f32x16 v = load(x + i);
    squares[chain] += v * v;
  }
  if (rest) {
    const f32x16 v = load_some(x + whole, rest);
    squares[0] += v * v;
  }
  const float mean = sum((squares[0] + squares[1]) + (squares[2] + squares[3])) / float(width);
  const float scale = 1.0f / __builtin_sqrtf(mean + eps);
  for (i = 0; i < whole; i += LANES) store(out + i, rounded(load(x + i) * scale, weight) * load(weight + i));
  if (rest)
    store_some(out + whole, rounded(load_some(x + whole, rest) * scale, weight) * load_some(weight + whole, rest),
               rest);
}

}  // namespace penstock
