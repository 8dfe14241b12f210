// A row of logits as it is looked at: once for the maxima of its blocks, then only where the answer can lie. Knows no
// draws.
#pragma once

#include <functional>
#include <vector>

#include "ranking.hpp"

namespace penstock {

// One thread's room for a row; grows to the largest vocabulary.
struct Scratch {
  std::vector<float> maxima, folded;
  std::vector<double> ends;
  std::vector<bool> met;  // tokens, by id; all false between uses
  Entries entries, narrowed;
  std::vector<Entry> ranked;

  void reserve(std::int64_t size) {
    const std::size_t blocks = num_blocks(size);
    maxima.resize(std::max(maxima.size(), blocks * LANES));
    ends.resize(std::max(ends.size(), blocks));
    entries.reserve(size);
    narrowed.reserve(size);
  }
};

class RowScan {
 public:
  RowScan(const float* logits, std::int64_t size, Scratch& scratch)
      : row_(logits, size), scratch_(scratch), largest_(find_maxima(row_, scratch.maxima.data())) {}

  std::int64_t size() const { return row_.size(); }
  std::int64_t blocks() const { return row_.blocks(); }
  const float* block(std::int64_t b) const { return row_.block(b); }
  float largest() const { return largest_; }
  Entries& entries() { return scratch_.entries; }
  std::vector<Entry>& ranked() { return scratch_.ranked; }

  // Whether a block holds something above this value, or not below it.
  bool exceeds(std::int64_t b, float value) const { return lanes_of(load(&scratch_.maxima[b * LANES]) > value); }
  bool reaches(std::int64_t b, float value) const { return lanes_of(load(&scratch_.maxima[b * LANES]) >= value); }

  std::int32_t first_largest() const {
    for (std::int64_t b = 0;; b++) {
      if (!reaches(b, largest_)) continue;
      for (int i = 0;; i += LANES)
        if (const Lanes lanes = lanes_of(load(row_.block(b) + i) == largest_))
          return static_cast<std::int32_t>(b * BLOCK + i + __builtin_ctz(lanes));
    }
  }

  // The sum of all weights; `end` then gives the running sums of the blocks.
  double sum_blocks(const Weigher& weigher) {
    double end = 0;
    for (std::int64_t b = 0; b < row_.blocks(); b++) {
      const float* block = row_.block(b);
      f32x16 chains[4] = {};
      for (int i = 0; i < VECTORS; i++) chains[i % 4] += weigher(load(block + i * LANES));
      scratch_.ends[b] = end += sum((chains[0] + chains[1]) + (chains[2] + chains[3]));
    }
    return end;
  }

  double end(std::int64_t b) const { return scratch_.ends[b]; }

  // Not above the k-th largest value, since disjoint places have k maxima that are not below it.
  float top_bound(std::int64_t k) {
    const std::vector<float>& maxima = scratch_.maxima;
    const std::int64_t blocks = row_.blocks();
    k = std::min(k, row_.size());
    std::int64_t per_block = 1;
    while (per_block < LANES && per_block * blocks < 4 * k) per_block *= 2;
    if (per_block * blocks < k) return LOWEST;
    std::vector<float>& folded = scratch_.folded;
    folded.resize(per_block * blocks);
    for (std::int64_t b = 0; b < blocks; b++) fold(&maxima[b * LANES], &folded[b * per_block], per_block);
    std::nth_element(folded.begin(), folded.begin() + (k - 1), folded.end(), std::greater<float>());
    return std::max(folded[k - 1], LOWEST);
  }

  // Collects what is not below the bound.
  void gather(float bound) {
    const i32x16 COUNTING = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Entries& entries = scratch_.entries;
    entries.clear();
    for (std::int64_t b = 0; b < row_.blocks(); b++) {
      if (!reaches(b, bound)) continue;
      for (int i = 0; i < BLOCK; i += LANES) {
        const f32x16 values = load(row_.block(b) + i);
        const i32x16 ids = COUNTING + static_cast<std::int32_t>(b * BLOCK + i);
        if (const Lanes lanes = lanes_of(values >= bound)) entries.append(values, ids, lanes);
      }
    }
    entries.close();
  }

  // The first by rank for which the running sum of weights exceeds the target, or the last.
  Entry first_beyond(double target) { return penstock::first_beyond(scratch_.entries, target, scratch_.narrowed); }

  // Drops what ranks below the k-th. The weights are lost.
  void keep_top(std::int64_t k) {
    Entries& entries = scratch_.entries;
    if (entries.count() <= k) return;
    entries.weigh([](f32x16) { return splat(1.0f); });
    const Entry last = first_beyond(static_cast<double>(k) - 0.5);
    entries.keep(entries, [&](f32x16 values, i32x16 ids) {
      return (values > last.value) | ((values == last.value) & (ids <= last.id));
    });
  }

 private:
  static void fold(const float* lanes, float* to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i++) to[i] = lanes[i];
    for (std::int64_t i = count; i < LANES; i++) to[i % count] = std::max(to[i % count], lanes[i]);
  }

  LogitRow row_;
  Scratch& scratch_;
  float largest_;
};

}  // namespace penstock
