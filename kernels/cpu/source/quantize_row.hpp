// Rounds one token's activations to 8 bits in groups of 32. Knows one row, not what it is multiplied with.
//
// A group whose values are all (nearly) zero gets the scale zero. One with an infinity or a NaN gets the scale NaN, so that
// all that is computed from the token shows it, and nothing else.
#pragma once

#include <cmath>

#include "quantized.hpp"

namespace penstock {

typedef std::int8_t i8x16 __attribute__((vector_size(16)));

constexpr float LEAST_SCALE = 1e-30f;  // below it 1 / scale might be infinite

inline f32x16 absolute(f32x16 v) { return (f32x16)((u32x16)v & 0x7fffffffu); }

// To the nearest integer, ties to even, as bits of a float: valid up to 2^22.
inline i32x16 nearest(f32x16 v) {
  const float MAGIC = 12582912.0f;  // 1.5 * 2^23
  return (i32x16)(v + MAGIC) - (i32x16)splat(MAGIC);
}

inline std::int32_t sum(i32x16 v) {
  std::int32_t lanes[LANES], total = 0;
  store_as(lanes, v);
  for (int i = 0; i < LANES; i++) total += lanes[i];
  return total;
}

inline float quantization_scale(f32x16 left, f32x16 right) {
  const float largest = max(max(absolute(left), absolute(right)));
  const float poison = sum(left * 0.0f + right * 0.0f);  // NaN when any value is not finite
  const float scale = largest / 127.0f;
  return scale < LEAST_SCALE ? poison : scale + poison;
}

template <class T>
inline void quantize_group(const T* x, QuantizedGroup& group) {
  const f32x16 left = load(x), right = load(x + LANES);
  const float scale = quantization_scale(left, right);
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  const i8x16 first = __builtin_convertvector(nearest(left * inverse), i8x16);
  const i8x16 second = __builtin_convertvector(nearest(right * inverse), i8x16);
  store_as(group.values, first);
  store_as(group.values + LANES, second);
  group.scale = scale;
  group.minus_sum = -sum(__builtin_convertvector(first, i32x16) + __builtin_convertvector(second, i32x16));
}

template <class T>
inline void quantize_row(const T* x, std::int64_t depth, QuantizedGroup* out) {
  for (std::int64_t group = 0; group < depth / GROUP; group++) quantize_group(x + group * GROUP, out[group]);
}

}  // namespace penstock
