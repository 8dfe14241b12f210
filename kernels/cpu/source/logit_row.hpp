// One row of logits, and the weights its softmax gives them. Knows no filters and no draws.
//
// A row is looked at in whole blocks: its last, short one is copied and filled up with -inf, whose weight is zero.
// A NaN counts as -inf everywhere.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "pack.hpp"

namespace penstock {

constexpr std::int64_t BLOCK = 256;
constexpr int VECTORS = BLOCK / LANES;
constexpr float LOWEST = std::numeric_limits<float>::lowest();
constexpr float MINUS_INFINITY = -std::numeric_limits<float>::infinity();

inline std::int64_t num_blocks(std::int64_t size) { return (size + BLOCK - 1) / BLOCK; }

class LogitRow {
 public:
  LogitRow(const float* logits, std::int64_t size) : logits_(logits), size_(size), blocks_(num_blocks(size)) {
    const std::int64_t whole = size / BLOCK * BLOCK;
    std::fill(std::copy(logits + whole, logits + size, tail_), tail_ + BLOCK, MINUS_INFINITY);
  }

  std::int64_t size() const { return size_; }
  std::int64_t blocks() const { return blocks_; }
  const float* block(std::int64_t b) const { return (b + 1) * BLOCK <= size_ ? logits_ + b * BLOCK : tail_; }

 private:
  const float* logits_;
  std::int64_t size_, blocks_;
  alignas(64) float tail_[BLOCK];
};

inline f32x16 max_but_nan(f32x16 best, f32x16 v) { return v > best ? v : best; }

// Writes sixteen maxima for each block, lane by lane, and returns the largest of all; -inf where there is no number.
inline float find_maxima(const LogitRow& row, float* maxima) {
  f32x16 best = splat(MINUS_INFINITY);
  for (std::int64_t b = 0; b < row.blocks(); b++) {
    const float* block = row.block(b);
    f32x16 chains[2] = {splat(MINUS_INFINITY), splat(MINUS_INFINITY)};
    for (int i = 0; i < VECTORS; i++) chains[i % 2] = max_but_nan(chains[i % 2], load(block + i * LANES));
    const f32x16 lanes = max(chains[0], chains[1]);
    store(maxima + b * LANES, lanes);
    best = max(best, lanes);
  }
  return max(best);
}

// exp((x - largest) / temperature): 1 for the largest, zero below 2^-126 and for NaN.
class Weigher {
 public:
  Weigher(float largest, double temperature)
      : largest_(largest), scale_(static_cast<float>(std::min(M_LOG2E / temperature, 3e38))) {}

  f32x16 operator()(f32x16 x) const { return exp2_of_negative((x - largest_) * scale_); }

 private:
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
