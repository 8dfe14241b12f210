// How quantized weights and activations lie in memory. Knows bits and scales, not who multiplies them.
//
// Both are cut into groups of 32 values along k, each value an integer times the scale of its group. Weights are panels of 32
// columns as in panels.hpp; within a panel come, for each group,
//
//   scales    [16 columns][2]          bfloat16: of column c and of column 16 + c, so that one register holds both halves
//   int8      [k / 4][32 columns][4]   bytes: the value + 128
//   int4      [k / 8][32 columns][4]   bytes: of k and of k + 4, the value + 8 in the low and the high half
//
// Offsets make the weights unsigned, which is what the dot instructions take; what they add to a sum is a multiple of the sum of
// the activations of the group, which stands beside these.
#pragma once

#include <cstdint>

#include "panels.hpp"
#include "simd.hpp"

namespace penstock {

constexpr int GROUP = 32;
constexpr int QUAD_BYTES = 4 * PANEL;     // four values of k for every column
constexpr int SCALES_BYTES = 2 * PANEL;

// A group of one token's activations. A token is depth / 32 of them in a row.
struct QuantizedGroup {
  float scale;
  std::int32_t minus_sum;  // of the values
  std::int8_t values[GROUP];
};
static_assert(sizeof(QuantizedGroup) == 40);

struct Int8 {
  static constexpr int BITS = 8;
  static constexpr int OFFSET_SHIFT = 7;  // the offset is 2^7
  static constexpr int STORED_QUADS = GROUP / 4;
};

struct Int4 {
  static constexpr int BITS = 4;
  static constexpr int OFFSET_SHIFT = 3;
  static constexpr int STORED_QUADS = GROUP / 8;
};

template <class Format>
constexpr int GROUP_BYTES = SCALES_BYTES + Format::STORED_QUADS * QUAD_BYTES;

template <class Format>
inline const std::uint8_t* group_at(const std::uint8_t* packed, std::int64_t panel, std::int64_t groups) {
  return packed + panel * groups * GROUP_BYTES<Format>;
}

inline f32x16 left_scales(u32x16 pairs) { return (f32x16)(pairs << 16); }
inline f32x16 right_scales(u32x16 pairs) { return (f32x16)(pairs & 0xffff0000u); }

inline float scale_of(const std::uint8_t* group, int column) {
  return widen(load_as<bf16>(group + 4 * (column % LANES) + 2 * (column / LANES)));
}

// The stored byte of value k, offset included.
inline int stored(Int8, const std::uint8_t* quads, int k, int column) {
  return quads[k / 4 * QUAD_BYTES + column * 4 + k % 4];
}
inline int stored(Int4, const std::uint8_t* quads, int k, int column) {
  return quads[k / 8 * QUAD_BYTES + column * 4 + k % 4] >> (k & 4) & 15;
}

// Column `column` of the packed weights as floats, which is one row of the checkpoint's matrix.
template <class Format>
inline void dequantize_column(const std::uint8_t* packed, std::int64_t column, std::int64_t depth, float* out) {
  const std::uint8_t* group = group_at<Format>(packed, column / PANEL, depth / GROUP);
  const int within = int(column % PANEL);
  for (std::int64_t first = 0; first < depth; first += GROUP, group += GROUP_BYTES<Format>) {
    const float scale = scale_of(group, within);
    for (int k = 0; k < GROUP; k++)
      out[first + k] = scale * float(stored(Format{}, group + SCALES_BYTES, k, within) - (1 << Format::OFFSET_SHIFT));
  }
}

}  // namespace penstock
