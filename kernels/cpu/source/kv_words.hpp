// Multiplies words of a row with words of keys or values. Knows neither pages nor tokens.
//
// One instruction where the machine multiplies bf16; elsewhere bf16 is widened. The sums of an accumulator go by
// word and then by part, never across accumulators, so an accumulator's bits depend on nothing beside it.
#pragma once

#include "intrinsics.hpp"
#include "kv_layout.hpp"
#include "simd.hpp"

namespace penstock {

// a * b + c, rounded once where the machine can: spelled out, because whether a compiler fuses may depend on its mood.
inline f32x16 fused(f32x16 a, f32x16 b, f32x16 c) {
#if defined(__AVX512F__)
  return (f32x16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  struct Halves {
    __m256 low, high;
  };
  const Halves x = __builtin_bit_cast(Halves, a), y = __builtin_bit_cast(Halves, b), z = __builtin_bit_cast(Halves, c);
  return __builtin_bit_cast(
      f32x16, Halves{_mm256_fmadd_ps(x.low, y.low, z.low), _mm256_fmadd_ps(x.high, y.high, z.high)});
#else
  return a * b + c;
#endif
}

#if defined(__AVX512BF16__) && defined(__AVX512F__)

using Bf16Column = __m512bh;
inline Bf16Column column(const std::uint32_t* from) { return load_as<__m512bh>(from); }
inline f32x16 add_product(f32x16 sum, std::uint32_t row, Bf16Column column) {
  return (f32x16)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(row)), column);
}

#else

struct Bf16Column {
  f32x16 first, second;
};
inline Bf16Column column(const std::uint32_t* from) {
  const u32x16 both = load_as<u32x16>(from);
  return {(f32x16)(both << 16), (f32x16)(both & 0xffff0000u)};
}
inline f32x16 add_product(f32x16 sum, std::uint32_t row, const Bf16Column& column) {
  const float first = __builtin_bit_cast(float, row << 16), second = __builtin_bit_cast(float, row & 0xffff0000u);
  return fused(splat(second), column.second, fused(splat(first), column.first, sum));
}

#endif

inline f32x16 column(const float* from) { return load(from); }
inline f32x16 add_product(f32x16 sum, float row, f32x16 column) { return fused(splat(row), column, sum); }

}  // namespace penstock
