// Passes over a row of logits, or over some of its blocks. Knows blocks, no draws.
#include "row_scan.hpp"

#include <algorithm>

#include "pack.hpp"

namespace penstock {

namespace {

f32x16 max_but_nan(f32x16 best, f32x16 v) { return v > best ? v : best; }

// Writes sixteen maxima for each block, lane by lane, and returns the largest of all; -inf where there is no number.
float find_maxima(const LogitRow& row, float* maxima) {
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

// The maxima of LANES disjoint parts of a block, as those of `count` larger ones.
void fold(const float* lanes, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i++) to[i] = lanes[i];
  for (std::int64_t i = count; i < LANES; i++) to[i % count] = std::max(to[i % count], lanes[i]);
}

}  // namespace

void Scratch::reserve(std::int64_t size) {
  const std::size_t blocks = num_blocks(size);
  maxima.resize(std::max(maxima.size(), blocks * LANES));
  ends.resize(std::max(ends.size(), blocks));
  entries.reserve(size);
  narrowed.reserve(size);
}

RowScan::RowScan(const float* logits, std::int64_t size, Scratch& scratch)
    : row_(logits, size), scratch_(scratch), largest_(find_maxima(row_, scratch.maxima.data())) {}

// Whether a block holds something above this value, or not below it.
inline bool RowScan::exceeds(std::int64_t b, float value) const {
  return lanes_of(load(&scratch_.maxima[b * LANES]) > value);
}
inline bool RowScan::reaches(std::int64_t b, float value) const {
  return lanes_of(load(&scratch_.maxima[b * LANES]) >= value);
}

std::int32_t RowScan::first_largest() const {
  for (std::int64_t b = 0;; b++) {
    if (!reaches(b, largest_)) continue;
    for (int i = 0;; i += LANES)
      if (const Lanes lanes = lanes_of(load(row_.block(b) + i) == largest_))
        return static_cast<std::int32_t>(b * BLOCK + i + __builtin_ctz(lanes));
  }
}

std::int64_t RowScan::count_above(float value) const {
  std::int64_t above = 0;
  for (std::int64_t b = 0; b < blocks(); b++)
    if (exceeds(b, value))
      for (int i = 0; i < BLOCK; i += LANES) above += __builtin_popcount(lanes_of(load(block(b) + i) > value));
  return above;
}

double RowScan::sum_blocks(const Weigher& weigher) {
  double end = 0;
  for (std::int64_t b = 0; b < row_.blocks(); b++) {
    const float* block = row_.block(b);
    f32x16 chains[4] = {};
    for (int i = 0; i < VECTORS; i++) chains[i % 4] += weigher(load(block + i * LANES));
    scratch_.ends[b] = end += sum((chains[0] + chains[1]) + (chains[2] + chains[3]));
  }
  return end;
}

float RowScan::top_bound(std::int64_t k) {
  const std::vector<float>& maxima = scratch_.maxima;
  const std::int64_t blocks = row_.blocks();
  k = std::min(k, row_.size());
  std::int64_t per_block = 1;
  while (per_block < LANES && per_block * blocks < 4 * k) per_block *= 2;
  if (per_block * blocks < k) return LOWEST;
  std::vector<float>& folded = scratch_.folded;
  folded.resize(per_block * blocks);
  for (std::int64_t b = 0; b < blocks; b++) fold(&maxima[b * LANES], &folded[b * per_block], per_block);
  std::nth_element(folded.begin(), folded.begin() + (k - 1), folded.end(), [](float a, float b) { return a > b; });
  return std::max(folded[k - 1], LOWEST);
}

void RowScan::gather(float bound) {
  Entries& entries = scratch_.entries;
  entries.clear();
  for (std::int64_t b = 0; b < row_.blocks(); b++)
    if (reaches(b, bound)) entries.append_block(row_.block(b), static_cast<std::int32_t>(b * BLOCK), bound);
  entries.close();
}

void RowScan::keep_top(std::int64_t k) {
  Entries& entries = scratch_.entries;
  if (entries.count() <= k) return;
  entries.weigh_all(1.0f);
  entries.keep_through(first_beyond(static_cast<double>(k) - 0.5));
}

}  // namespace penstock
