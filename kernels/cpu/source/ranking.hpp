// Entries of a row by falling value, ties by the lower id, as far as a question needs it. Knows no sampling.
//
// Nothing is sorted whole. To find the entry where a running sum passes a target, the range of values that holds it
// is halved again and again; what lies outside is dropped whenever that is half, until a handful is left. The order
// of ids is kept throughout.
#pragma once

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
  void reserve(std::int64_t size) {
    const std::size_t room = size + 2 * LANES;
    if (values_.size() >= room) return;
    values_.resize(room);
    ids_.resize(room);
    weights_.resize(room);
  }

  std::int64_t count() const { return count_; }
  float value(std::int64_t i) const { return values_[i]; }
  std::int32_t id(std::int64_t i) const { return ids_[i]; }
  float weight(std::int64_t i) const { return weights_[i]; }
  f32x16 values_at(std::int64_t i) const { return load(&values_[i]); }
  f32x16 weights_at(std::int64_t i) const { return load(&weights_[i]); }

  void clear() { count_ = 0; }
  void append(f32x16 values, i32x16 ids, Lanes lanes) {
    store_packed(&values_[count_], values, lanes);
    store_packed(&ids_[count_], ids, lanes);
    count_ += __builtin_popcount(lanes);
  }
  void close() {
    store(&values_[count_], splat(MINUS_INFINITY));
    store(&weights_[count_], f32x16{});
  }

  template <class Weigh>
  void weigh(Weigh&& weigh) {
    for (std::int64_t i = 0; i < count_; i += LANES) store(&weights_[i], weigh(values_at(i)));
    store(&weights_[count_], f32x16{});
  }

  // Takes those of `from` for which wanted(values, ids) holds; `from` may be this.
  template <class Wanted>
  void keep(const Entries& from, Wanted&& wanted) {
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < from.count_; i += LANES) {
      const f32x16 values = from.values_at(i), weights = from.weights_at(i);
      const i32x16 ids = load_ids(&from.ids_[i]);
      const Lanes lanes = lanes_of(wanted(values, ids)) & lanes_below(from.count_ - i);
      store_packed(&values_[kept], values, lanes);
      store_packed(&ids_[kept], ids, lanes);
      store_packed(&weights_[kept], weights, lanes);
      kept += __builtin_popcount(lanes);
    }
    count_ = kept;
    close();
  }

  double total_weight() const {
    f64x8 sums = {};
    for (std::int64_t i = 0; i < count_; i += LANES) sums = add_wide(sums, weights_at(i));
    return sum(sums);
  }
  Above above(float pivot) const {
    f64x8 sums = {};
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < count_;) {
      f32x16 part = {};  // of few vectors: widening costs as much as all the rest
      for (int run = 0; run < 4 && i < count_; run++, i += LANES) {
        const i32x16 truth = values_at(i) > pivot;
        part += truth ? weights_at(i) : f32x16{};
        count += __builtin_popcount(lanes_of(truth));
      }
      sums = add_wide(sums, part);
    }
    return {sum(sums), count};
  }

  float largest() const {
    f32x16 best = splat(MINUS_INFINITY);
    for (std::int64_t i = 0; i < count_; i += LANES) best = max(best, values_at(i));
    return max(best);
  }
  float smallest() const {
    f32x16 best = splat(MINUS_INFINITY);
    for (std::int64_t i = 0; i < count_; i += LANES) {
      const f32x16 values = values_at(i);
      best = max(best, values > MINUS_INFINITY ? -values : splat(MINUS_INFINITY));  // the filling is not one
    }
    return -max(best);
  }

 private:
  static Lanes lanes_below(std::int64_t count) { return count < LANES ? (1u << count) - 1 : 0xffffu; }

  std::vector<float> values_, weights_;
  std::vector<std::int32_t> ids_;
  std::int64_t count_ = 0;
};

// The first entry, by rank, whose running sum of weights exceeds the target; the last where none does. `scratch` is overwritten.
Entry first_beyond(const Entries& entries, double target, Entries& scratch);

}  // namespace penstock
