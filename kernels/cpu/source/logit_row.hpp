// One row of logits, and the weights its softmax gives them. Knows no filters and no draws.
//
// A row is looked at in whole blocks: its last, short one is copied and filled up with -inf, whose weight is zero.
// A NaN counts as -inf everywhere.
#pragma once

#include <cstdint>
#include <limits>

#include "simd.hpp"

namespace penstock {

constexpr std::int64_t BLOCK = 256;
constexpr int VECTORS = BLOCK / LANES;
constexpr float LOWEST = std::numeric_limits<float>::lowest();
constexpr float MINUS_INFINITY = -std::numeric_limits<float>::infinity();

inline std::int64_t num_blocks(std::int64_t size) { return (size + BLOCK - 1) / BLOCK; }

class LogitRow {
 public:
  LogitRow(const float* logits, std::int64_t size) : logits_(logits), size_(size), blocks_(num_blocks(size)) {
    const std::int64_t whole = size / BLOCK * BLOCK, rest = size - whole;
    std::memcpy(tail_, logits + whole, sizeof(float) * rest);
    for (std::int64_t i = rest; i < BLOCK; i++) tail_[i] = MINUS_INFINITY;
  }

  std::int64_t size() const { return size_; }
  std::int64_t blocks() const { return blocks_; }
  const float* block(std::int64_t b) const { return (b + 1) * BLOCK <= size_ ? logits_ + b * BLOCK : tail_; }

 private:
  const float* logits_;
  std::int64_t size_, blocks_;
  alignas(64) float tail_[BLOCK];
};

// exp((x - largest) / temperature): 1 for the largest, zero below 2^-126 and for NaN.
class Weigher {
 public:
  Weigher(float largest, double temperature) : largest_(largest), scale_(finite(LOG2E / temperature)) {}

  f32x16 operator()(f32x16 x) const { return exp2_of_negative((x - largest_) * scale_); }

 private:
  static constexpr double LOG2E = 1.4426950408889634;
  static float finite(double scale) { return static_cast<float>(scale < 3e38 ? scale : 3e38); }

  // 2^x for x <= 0: x = n + f with |f| <= 1/2, and a minimax polynomial for 2^f (error 1e-7, and 0 at 0).
  static f32x16 exp2_of_negative(f32x16 x) {
    const float MAGIC = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
    const f32x16 shifted = x + MAGIC;
    const f32x16 f = x - (shifted - MAGIC);
    f32x16 p = splat(1.3264727e-3f);
    p = p * f + 9.671513e-3f;
    p = p * f + 5.5507336e-2f;
    p = p * f + 2.4022242e-1f;
    p = p * f + 6.93147e-1f;
    p = p * f + 1.0f;
    const f32x16 result = (f32x16)((u32x16)p + ((u32x16)shifted << 23));
    return x > -126.0f ? result : f32x16{};
  }

  float largest_, scale_;
};

}  // namespace penstock
