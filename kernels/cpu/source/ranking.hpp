// Entries of a row by falling value, ties by the lower id, as far as a question needs it. Knows no sampling.
//
// Nothing is sorted whole. To find the entry where a running sum passes a target, the range of values that holds it
// is halved again and again; what lies outside is dropped whenever that is half, until a handful is left. The order
// of ids is kept throughout.
#pragma once

#include <cstdint>
#include <vector>

#include "logit_row.hpp"

namespace penstock {

struct Entry {
  float value;
  std::int32_t id;
  double end;  // the running sum through this entry

  bool before(const Entry& other) const {
    return value > other.value || (value == other.value && id < other.id);
  }
};

// What lies above a pivot.
struct Above {
  double weight;
  std::int64_t count;
};

// Values, ids and weights side by side, by ascending id; beyond the last, up to whole vectors, weights are zero and
// values -inf.
class Entries {
 public:
  void reserve(std::int64_t size);

  std::int64_t count() const { return count_; }
  float value(std::int64_t i) const { return values_[i]; }
  std::int32_t id(std::int64_t i) const { return ids_[i]; }
  float weight(std::int64_t i) const { return weights_[i]; }

  // Entries come block by block, by ascending id: those that are not below the bound.
  void clear() { count_ = 0; }
  void append_block(const float* block, std::int32_t first_id, float bound);
  void close();

  void weigh(const Weigher& weigher);
  void weigh_all(float weight);

  // Takes those of `from` within [low, high].
  void keep_between(const Entries& from, float low, float high);
  // Drops what ranks below the last.
  void keep_through(const Entry& last);

  double total_weight() const;
  Above above(float pivot) const;
  float largest() const;
  float smallest() const;

 private:
  template <class Wanted>
  void keep(const Entries& from, const Wanted& wanted);

  std::vector<float> values_, weights_;
  std::vector<std::int32_t> ids_;
  std::int64_t count_ = 0;
};

// The first entry, by rank, whose running sum of weights exceeds the target; the last where none does. `scratch` is overwritten.
Entry first_beyond(const Entries& entries, double target, Entries& scratch);

}  // namespace penstock
