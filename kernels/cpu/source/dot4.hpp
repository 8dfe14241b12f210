// Sums of four products of bytes in each of sixteen lanes. Knows instructions, not groups.
//
// dot4(sums, weights, values): to every lane its four unsigned bytes of `weights` times the four signed bytes of `values`.
// Exact whichever way it is spelled, so all machines agree.
#pragma once

#include "intrinsics.hpp"
#include "simd.hpp"

namespace penstock {

#if defined(__AVX512VNNI__)

inline i32x16 dot4(i32x16 sums, u32x16 weights, std::int32_t values) {
  return (i32x16)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, _mm512_set1_epi32(values));
}

#elif defined(__AVX2__)

// Bytes 0 and 2, then 1 and 3, as pairs of 16 bits: nothing saturates, as it would in the instruction for bytes.
inline __m256i dot4(__m256i sums, __m256i weights, __m256i even, __m256i odd) {
  const __m256i mask = _mm256_set1_epi32(0x00ff00ff);
  sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_and_si256(weights, mask), even));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_and_si256(_mm256_srli_epi16(weights, 8), mask), odd));
}

inline i32x16 dot4(i32x16 sums, u32x16 weights, std::int32_t values) {
  const __m256i all = _mm256_set1_epi32(values);
  const __m256i odd = _mm256_srai_epi16(all, 8), even = _mm256_srai_epi16(_mm256_slli_epi16(all, 8), 8);
  __m256i halves[2], parts[2];
  std::memcpy(halves, &sums, sizeof sums);
  std::memcpy(parts, &weights, sizeof weights);
  for (int i = 0; i < 2; i++) halves[i] = dot4(halves[i], parts[i], even, odd);
  return load_as<i32x16>(halves);
}

#else

inline i32x16 dot4(i32x16 sums, u32x16 weights, std::int32_t values) {
  for (int byte = 0; byte < 4; byte++) {
    const auto value = std::int8_t(std::uint32_t(values) >> 8 * byte);
    sums += (i32x16)(weights >> 8 * byte & 0xffu) * std::int32_t(value);
  }
  return sums;
}

#endif

}  // namespace penstock
