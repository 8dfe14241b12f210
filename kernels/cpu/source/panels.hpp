// Weights packed for the micro-kernels: panels of 32 columns, read from end to end. Knows numbers, not layers.
//
//   float      [panel][k][32 columns]
//   bfloat16   [panel][k / 2][32 columns][2]     a pair of k for each column: what one bf16 dot instruction takes
//
// A column is an output of the layer, a row of the checkpoint's matrix. Columns beyond the last are zero.
#pragma once

#include <cstdint>

#include "simd.hpp"

namespace penstock {

constexpr int PANEL = 2 * LANES;

inline std::int64_t panels_of(std::int64_t columns) { return (columns + PANEL - 1) / PANEL; }

inline const float* panel_at(const float* packed, std::int64_t panel, std::int64_t depth) {
  return packed + panel * depth * PANEL;
}
inline const bf16* panel_at(const bf16* packed, std::int64_t panel, std::int64_t depth) {
  return packed + panel * depth * PANEL;
}

// Panels in strips of about as many bytes, one at least: what a tile multiplies with.
class Strips {
 public:
  Strips(std::int64_t panels, std::int64_t panel_bytes, std::int64_t bytes)
      : panels_(panels), width_(bytes > panel_bytes ? bytes / panel_bytes : 1) {}

  std::int64_t count() const { return (panels_ + width_ - 1) / width_; }

  // body(panel) for those of one strip.
  template <class Callable>
  void each_panel(std::int64_t strip, const Callable& body) const {
    const std::int64_t first = strip * width_, end = first + width_;
    for (std::int64_t panel = first; panel < end && panel < panels_; panel++) body(panel);
  }

 private:
  std::int64_t panels_;
  std::int64_t width_;
};

// Where element k of `column` lies within its panel.
inline std::int64_t place(const float*, std::int64_t k, int column) { return k * PANEL + column; }
inline std::int64_t place(const bf16*, std::int64_t k, int column) { return (k / 2 * PANEL + column) * 2 + k % 2; }

}  // namespace penstock
