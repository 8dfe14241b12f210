// The inner product of a few tokens with one panel. Knows registers, not threads.
//
// Every sum is one chain of additions over k in ascending order, whatever the number of tokens beside it: that is
// what makes a sequence's numbers independent of its company. Speed comes from many chains at once.
#pragma once

#include <cstdint>

#include "panels.hpp"
#include "simd.hpp"

namespace penstock {

#if defined(__AVX512F__)
constexpr int MAX_TOKENS = 14;  // 28 registers of sums, 2 of weights
#else
constexpr int MAX_TOKENS = 2;
#endif
constexpr int PREFETCH_BYTES = 2048;

inline void prefetch(const void* from) { __builtin_prefetch(static_cast<const char*>(from) + PREFETCH_BYTES); }

template <int TOKENS>
struct Sums {
  f32x16 left[TOKENS] = {};
  f32x16 right[TOKENS] = {};
};

// x: TOKENS rows, `stride` apart.
template <int TOKENS>
inline void multiply(const float* x, std::int64_t stride, const float* panel, std::int64_t depth, Sums<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k++, panel += PANEL) {
    prefetch(panel);
    prefetch(panel + LANES);
    const f32x16 left = load(panel), right = load(panel + LANES);
#pragma GCC unroll 16
    for (int t = 0; t < TOKENS; t++) {
      const f32x16 value = splat(x[t * stride + k]);
      sums.left[t] += value * left;
      sums.right[t] += value * right;
    }
  }
}

#if defined(__AVX512BF16__)

template <int TOKENS>
inline void multiply(const bf16* x, std::int64_t stride, const bf16* panel, std::int64_t depth, Sums<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k += 2, panel += 2 * PANEL) {
    prefetch(panel);
    prefetch(panel + PANEL);
    const __m512bh left = load_as<__m512bh>(panel), right = load_as<__m512bh>(panel + PANEL);
#pragma GCC unroll 16
    for (int t = 0; t < TOKENS; t++) {
      const __m512bh pair = (__m512bh)_mm512_set1_epi32(load_as<std::int32_t>(x + t * stride + k));
      sums.left[t] = (f32x16)_mm512_dpbf16_ps((__m512)sums.left[t], left, pair);
      sums.right[t] = (f32x16)_mm512_dpbf16_ps((__m512)sums.right[t], right, pair);
    }
  }
}

#else

// The first of each pair is the low half of a 32-bit lane.
inline f32x16 first_of(u32x16 pairs) { return (f32x16)(pairs << 16); }
inline f32x16 second_of(u32x16 pairs) { return (f32x16)(pairs & 0xffff0000u); }

template <int TOKENS>
inline void multiply(const bf16* x, std::int64_t stride, const bf16* panel, std::int64_t depth, Sums<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k += 2, panel += 2 * PANEL) {
    prefetch(panel);
    const u32x16 left = load_as<u32x16>(panel), right = load_as<u32x16>(panel + PANEL);
#pragma GCC unroll 4
    for (int t = 0; t < TOKENS; t++) {
      const float a = widen(x[t * stride + k]), b = widen(x[t * stride + k + 1]);
      sums.left[t] += a * first_of(left);
      sums.left[t] += b * second_of(left);
      sums.right[t] += a * first_of(right);
      sums.right[t] += b * second_of(right);
    }
  }
}

#endif

template <int TOKENS, class T, class Epilogue>
inline void multiply_group(const T* x, std::int64_t depth, const T* panel, std::int64_t token, std::int64_t number,
                           const Epilogue& finish) {
  Sums<TOKENS> sums;
  multiply<TOKENS>(x + token * depth, depth, panel, depth, sums);
#pragma GCC unroll 16
  for (int t = 0; t < TOKENS; t++) finish(token + t, number, sums.left[t], sums.right[t]);
}

// `count` tokens, 1 to MAX_TOKENS, with a kernel made for just that many.
template <int TOKENS = MAX_TOKENS, class T, class Epilogue>
inline void multiply_few(int count, const T* x, std::int64_t depth, const T* panel, std::int64_t token,
                         std::int64_t number, const Epilogue& finish) {
  if constexpr (TOKENS > 1) {
    if (count < TOKENS) return multiply_few<TOKENS - 1>(count, x, depth, panel, token, number, finish);
  }
  multiply_group<TOKENS>(x, depth, panel, token, number, finish);
}

// Rows [first, end) with one panel, in groups of equal size: a last one with few rows would use few of the registers.
template <class T, class Epilogue>
inline void multiply_rows(const T* x, std::int64_t depth, const T* panel, std::int64_t first, std::int64_t end,
                          std::int64_t number, const Epilogue& finish) {
  const std::int64_t count = end - first, groups = (count + MAX_TOKENS - 1) / MAX_TOKENS;
  for (std::int64_t group = 0; group < groups; group++) {
    const std::int64_t row = first + count * group / groups, next = first + count * (group + 1) / groups;
    multiply_few(int(next - row), x, depth, panel, row, number, finish);
  }
}

}  // namespace penstock
