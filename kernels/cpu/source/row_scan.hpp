// A row of logits as it is looked at: once for the maxima of its blocks, then only where the answer can lie. Knows no
// draws.
#pragma once

#include <cstdint>
#include <vector>

#include "logit_row.hpp"
#include "ranking.hpp"

namespace penstock {

// One thread's room for a row; grows to the largest vocabulary.
struct Scratch {
  std::vector<float> maxima, folded;
  std::vector<double> ends;
  std::vector<bool> met;  // tokens, by id; all false between uses
  Entries entries, narrowed;
  std::vector<Entry> ranked;

  void reserve(std::int64_t size);
};

class RowScan {
 public:
  RowScan(const float* logits, std::int64_t size, Scratch& scratch);

  std::int64_t size() const { return row_.size(); }
  std::int64_t blocks() const { return row_.blocks(); }
  const float* block(std::int64_t b) const { return row_.block(b); }
  float largest() const { return largest_; }
  Entries& entries() { return scratch_.entries; }
  std::vector<Entry>& ranked() { return scratch_.ranked; }

  std::int32_t first_largest() const;
  std::int64_t count_above(float value) const;

  // The sum of all weights; `end` then gives the running sums of the blocks.
  double sum_blocks(const Weigher& weigher);
  double end(std::int64_t b) const { return scratch_.ends[b]; }

  // Not above the k-th largest value, since disjoint places have k maxima that are not below it.
  float top_bound(std::int64_t k);

  // Collects what is not below the bound.
  void gather(float bound);

  // The first by rank for which the running sum of weights exceeds the target, or the last.
  Entry first_beyond(double target) { return penstock::first_beyond(scratch_.entries, target, scratch_.narrowed); }

  // Drops what ranks below the k-th. The weights are lost.
  void keep_top(std::int64_t k);

 private:
  bool exceeds(std::int64_t b, float value) const;
  bool reaches(std::int64_t b, float value) const;

  LogitRow row_;
  Scratch& scratch_;
  float largest_;
};

}  // namespace penstock
