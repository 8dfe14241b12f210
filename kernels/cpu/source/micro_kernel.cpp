// The micro-kernels of plain weights, one for each number of tokens. Know registers; see micro_kernel.hpp.
#include "micro_kernel.hpp"

#include "intrinsics.hpp"
#include "panels.hpp"

namespace penstock {

namespace {

// Into the second cache: the first one holds what every panel needs, inputs and sums. How far ahead was measured.
inline void prefetch(const void* from) {
  constexpr int BYTES_AHEAD = 4096;
  __builtin_prefetch(static_cast<const char*>(from) + BYTES_AHEAD, 0, 2);
}

template <int TOKENS>
inline void multiply(const float* x, std::int64_t depth, const float* panel, Registers<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k++, panel += PANEL) {
    prefetch(panel);
    prefetch(panel + LANES);
    const f32x16 left = load(panel), right = load(panel + LANES);
#pragma GCC unroll 16
    for (int t = 0; t < TOKENS; t++) {
      const f32x16 value = splat(x[t * depth + k]);
      sums.left[t] += value * left;
      sums.right[t] += value * right;
    }
  }
}

#if defined(__AVX512BF16__)

template <int TOKENS>
inline void multiply(const bf16* x, std::int64_t depth, const bf16* panel, Registers<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k += 2, panel += 2 * PANEL) {
    prefetch(panel);
    prefetch(panel + PANEL);
    const __m512bh left = load_as<__m512bh>(panel), right = load_as<__m512bh>(panel + PANEL);
#pragma GCC unroll 16
    for (int t = 0; t < TOKENS; t++) {
      const __m512bh pair = (__m512bh)_mm512_set1_epi32(load_as<std::int32_t>(x + t * depth + k));
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
inline void multiply(const bf16* x, std::int64_t depth, const bf16* panel, Registers<TOKENS>& sums) {
  for (std::int64_t k = 0; k < depth; k += 2, panel += 2 * PANEL) {
    prefetch(panel);
    const u32x16 left = load_as<u32x16>(panel), right = load_as<u32x16>(panel + PANEL);
#pragma GCC unroll 4
    for (int t = 0; t < TOKENS; t++) {
      const float a = widen(x[t * depth + k]), b = widen(x[t * depth + k + 1]);
      sums.left[t] += a * first_of(left);
      sums.left[t] += b * second_of(left);
      sums.right[t] += a * first_of(right);
      sums.right[t] += b * second_of(right);
    }
  }
}

#endif

template <class T>
using MicroKernel = void (*)(const T* x, std::int64_t depth, const T* panel, Sums& sums);

template <class T, int TOKENS>
void multiply_few(const T* x, std::int64_t depth, const T* panel, Sums& sums) {
  Registers<TOKENS> registers;
  multiply<TOKENS>(x, depth, panel, registers);
  registers.leave(sums);
}

// Made for just that many tokens, 1 to MAX_TOKENS.
template <class T, int TOKENS = MAX_TOKENS>
MicroKernel<T> micro_kernel(int count) {
  if constexpr (TOKENS > 1) {
    if (count < TOKENS) return micro_kernel<T, TOKENS - 1>(count);
  }
  return multiply_few<T, TOKENS>;
}

template <class T>
inline void multiply_all(const T* x, std::int64_t depth, const T* panel, std::int64_t first, std::int64_t end,
                         std::int64_t number, const Epilogue& finish) {
  each_group(first, end, MAX_TOKENS, [&](std::int64_t row, int count) {
    Sums sums;
    micro_kernel<T>(count)(x + row * depth, depth, panel, sums);
    finish(row, count, number, sums);
  });
}

}  // namespace

void multiply_rows(const float* x, std::int64_t depth, const float* panel, std::int64_t first, std::int64_t end,
                   std::int64_t number, const Epilogue& finish) {
  multiply_all(x, depth, panel, first, end, number, finish);
}
void multiply_rows(const bf16* x, std::int64_t depth, const bf16* panel, std::int64_t first, std::int64_t end,
                   std::int64_t number, const Epilogue& finish) {
  multiply_all(x, depth, panel, first, end, number, finish);
}

}  // namespace penstock
