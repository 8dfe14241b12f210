// Weights packed for the micro-kernels: panels of 32 columns, read from end to end. Knows numbers, not layers.
//
//   float      [panel][k][32 columns]
//   bfloat16   [panel][k / 2][32 columns][2]     a pair of k for each column: what one bf16 dot instruction takes
//
// A column is an output of the layer, a row of the checkpoint's matrix. Columns beyond the last are zero.
#pragma once

#include <cstdint>

#include "epilogue.hpp"
#include "simd.hpp"

namespace penstock {

inline std::int64_t panels_of(std::int64_t columns) { return (columns + PANEL - 1) / PANEL; }

inline const float* panel_at(const float* packed, std::int64_t panel, std::int64_t depth) {
  return packed + panel * depth * PANEL;
}
inline const bf16* panel_at(const bf16* packed, std::int64_t panel, std::int64_t depth) {
  return packed + panel * depth * PANEL;
}

// Where element k of `column` lies within its panel.
inline std::int64_t place(const float*, std::int64_t k, int column) { return k * PANEL + column; }
inline std::int64_t place(const bf16*, std::int64_t k, int column) { return (k / 2 * PANEL + column) * 2 + k % 2; }

}  // namespace penstock
