// Rounds one token's activations to 8 bits in groups of 32. Knows one row, not what it is multiplied with.
//
// A group whose values are all (nearly) zero gets the scale zero. One with an infinity or a NaN gets the scale NaN, so that
// all that is computed from the token shows it, and nothing else.
#pragma once

#include <limits>
#include <utility>

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

// Lane i and lane i ^ STEP change places.
template <int STEP, int... LANE>
inline i32x16 swapped(i32x16 v, std::integer_sequence<int, LANE...>) {
  return __builtin_shufflevector(v, v, (LANE ^ STEP)...);
}
template <int STEP>
inline i32x16 swapped(i32x16 v) {
  return swapped<STEP>(v, std::make_integer_sequence<int, LANES>{});
}

inline i32x16 larger(i32x16 a, i32x16 b) { return a > b ? a : b; }

inline std::int32_t sum(i32x16 v) {
  v += swapped<8>(v);
  v += swapped<4>(v);
  v += swapped<2>(v);
  return v[0] + v[1];
}

inline std::int32_t largest(i32x16 v) {
  v = larger(v, swapped<8>(v));
  v = larger(v, swapped<4>(v));
  v = larger(v, swapped<2>(v));
  return v[0] > v[1] ? v[0] : v[1];
}

// Magnitudes compare as their bits do, and what is not finite comes last.
inline float quantization_scale(f32x16 left, f32x16 right) {
  constexpr std::int32_t INFINITE = 0x7f800000;
  const std::int32_t bits = largest(larger((i32x16)absolute(left), (i32x16)absolute(right)));
  if (bits >= INFINITE) return std::numeric_limits<float>::quiet_NaN();
  const float scale = load_as<float>(&bits) / 127.0f;
  return scale < LEAST_SCALE ? 0.0f : scale;
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
