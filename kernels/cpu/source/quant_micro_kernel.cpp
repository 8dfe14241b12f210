// The micro-kernels of quantized weights, one for each number of tokens. Know registers; see quant_micro_kernel.hpp.
#include "quant_micro_kernel.hpp"

#include "dot4.hpp"

namespace penstock {

namespace {

// Into the second cache: so far ahead that memory answers in time, and the first one is not flooded. How far was measured.
template <class Format, int TOKENS>
inline void prefetch_weights(const std::uint8_t* from) {
  constexpr int GROUPS_AHEAD = TOKENS == 1 ? 4 : 8;
  __builtin_prefetch(from + GROUPS_AHEAD * GROUP_BYTES<Format>, 0, 2);
}

template <int TOKENS>
struct GroupSums {
  i32x16 left[TOKENS];
  i32x16 right[TOKENS];
};

// `x` points to the same group of each token, `stride` apart.
template <int TOKENS>
inline void multiply_quad(u32x16 left, u32x16 right, const QuantizedGroup* x, std::int64_t stride, int quad,
                          GroupSums<TOKENS>& sums) {
#pragma GCC unroll 8
  for (int t = 0; t < TOKENS; t++) {
    const auto values = load_as<std::int32_t>(x[t * stride].values + 4 * quad);
    sums.left[t] = dot4(sums.left[t], left, values);
    sums.right[t] = dot4(sums.right[t], right, values);
  }
}

template <int TOKENS>
inline void multiply_quads(Int8, const std::uint8_t* quads, const QuantizedGroup* x, std::int64_t stride,
                           GroupSums<TOKENS>& sums) {
#pragma GCC unroll 8
  for (int quad = 0; quad < GROUP / 4; quad++, quads += QUAD_BYTES) {
    prefetch_weights<Int8, TOKENS>(quads);
    prefetch_weights<Int8, TOKENS>(quads + QUAD_BYTES / 2);
    const auto left = load_as<u32x16>(quads), right = load_as<u32x16>(quads + QUAD_BYTES / 2);
    multiply_quad<TOKENS>(left, right, x, stride, quad, sums);
  }
}

template <int TOKENS>
inline void multiply_quads(Int4, const std::uint8_t* quads, const QuantizedGroup* x, std::int64_t stride,
                           GroupSums<TOKENS>& sums) {
#pragma GCC unroll 4
  for (int quad = 0; quad < GROUP / 4; quad += 2, quads += QUAD_BYTES) {
    prefetch_weights<Int4, TOKENS>(quads);
    prefetch_weights<Int4, TOKENS>(quads + QUAD_BYTES / 2);
    const auto left = load_as<u32x16>(quads), right = load_as<u32x16>(quads + QUAD_BYTES / 2);
    const std::uint32_t low = 0x0f0f0f0f;
    multiply_quad<TOKENS>(left & low, right & low, x, stride, quad, sums);
    multiply_quad<TOKENS>(left >> 4 & low, right >> 4 & low, x, stride, quad + 1, sums);
  }
}

template <class Format, int TOKENS>
inline void multiply_one_group(const std::uint8_t* group, const QuantizedGroup* x, std::int64_t stride,
                               Registers<TOKENS>& sums) {
  GroupSums<TOKENS> whole;
#pragma GCC unroll 8
  for (int t = 0; t < TOKENS; t++)
    whole.left[t] = whole.right[t] = (i32x16{} + x[t * stride].minus_sum) << Format::OFFSET_SHIFT;
  multiply_quads<TOKENS>(Format{}, group + SCALES_BYTES, x, stride, whole);
  prefetch_weights<Format, TOKENS>(group);
  const auto pairs = load_as<u32x16>(group);
  const f32x16 left = left_scales(pairs), right = right_scales(pairs);
#pragma GCC unroll 8
  for (int t = 0; t < TOKENS; t++) {
    const float scale = x[t * stride].scale;
    sums.left[t] += __builtin_convertvector(whole.left[t], f32x16) * (left * scale);
    sums.right[t] += __builtin_convertvector(whole.right[t], f32x16) * (right * scale);
  }
}

using MicroKernel = void (*)(const QuantizedGroup* x, const std::uint8_t* panel, std::int64_t groups, Sums& sums);

// x: TOKENS rows of `groups` groups each.
template <class Format, int TOKENS>
void multiply_few(const QuantizedGroup* x, const std::uint8_t* panel, std::int64_t groups, Sums& sums) {
  Registers<TOKENS> registers;
  for (std::int64_t group = 0; group < groups; group++, panel += GROUP_BYTES<Format>)
    multiply_one_group<Format, TOKENS>(panel, x + group, groups, registers);
  registers.leave(sums);
}

// Made for just that many tokens, 1 to MAX_QUANTIZED_TOKENS.
template <class Format, int TOKENS = MAX_QUANTIZED_TOKENS>
MicroKernel micro_kernel(int count) {
  if constexpr (TOKENS > 1) {
    if (count < TOKENS) return micro_kernel<Format, TOKENS - 1>(count);
  }
  return multiply_few<Format, TOKENS>;
}

}  // namespace

template <class Format>
void multiply_rows_quantized(const QuantizedGroup* x, const std::uint8_t* panel, std::int64_t groups,
                             std::int64_t first, std::int64_t end, std::int64_t number, const Epilogue& finish) {
  each_group(first, end, MAX_QUANTIZED_TOKENS, [&](std::int64_t row, int count) {
    Sums sums;
    micro_kernel<Format>(count)(x + row * groups, panel, groups, sums);
    finish(row, count, number, sums);
  });
}

template void multiply_rows_quantized<Int8>(const QuantizedGroup*, const std::uint8_t*, std::int64_t, std::int64_t,
                                            std::int64_t, std::int64_t, const Epilogue&);
template void multiply_rows_quantized<Int4>(const QuantizedGroup*, const std::uint8_t*, std::int64_t, std::int64_t,
                                            std::int64_t, std::int64_t, const Epilogue&);

}  // namespace penstock
