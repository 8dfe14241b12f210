// How the entry at a target is found. Knows values and weights, not what they mean.
#include "ranking.hpp"

#include <algorithm>
#include <cmath>

#include "pack.hpp"

namespace penstock {

void Entries::reserve(std::int64_t size) {
  const std::size_t room = size + 2 * LANES;
  if (values_.size() >= room) return;
  values_.resize(room);
  ids_.resize(room);
  weights_.resize(room);
}

void Entries::append_block(const float* block, std::int32_t first_id, float bound) {
  const i32x16 COUNTING = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (int i = 0; i < BLOCK; i += LANES) {
    const f32x16 values = load(block + i);
    const Lanes lanes = lanes_of(values >= bound);
    if (!lanes) continue;
    store_packed(&values_[count_], values, lanes);
    store_packed(&ids_[count_], COUNTING + (first_id + i), lanes);
    count_ += __builtin_popcount(lanes);
  }
}

void Entries::close() {
  store(&values_[count_], splat(MINUS_INFINITY));
  store(&weights_[count_], f32x16{});
}

void Entries::weigh(const Weigher& weigher) {
  for (std::int64_t i = 0; i < count_; i += LANES) store(&weights_[i], weigher(load(&values_[i])));
  store(&weights_[count_], f32x16{});
}

void Entries::weigh_all(float weight) {
  for (std::int64_t i = 0; i < count_; i += LANES) store(&weights_[i], splat(weight));
  store(&weights_[count_], f32x16{});
}

// Those for which wanted(values, ids) holds; `from` may be this.
template <class Wanted>
void Entries::keep(const Entries& from, const Wanted& wanted) {
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < from.count_; i += LANES) {
    const f32x16 values = load(&from.values_[i]), weights = load(&from.weights_[i]);
    const i32x16 ids = load_ids(&from.ids_[i]);
    const std::int64_t rest = from.count_ - i;
    const Lanes lanes = lanes_of(wanted(values, ids)) & (rest < LANES ? (1u << rest) - 1 : 0xffffu);
    store_packed(&values_[kept], values, lanes);
    store_packed(&ids_[kept], ids, lanes);
    store_packed(&weights_[kept], weights, lanes);
    kept += __builtin_popcount(lanes);
  }
  count_ = kept;
  close();
}

void Entries::keep_between(const Entries& from, float low, float high) {
  keep(from, [=](f32x16 values, i32x16) { return (values >= low) & (values <= high); });
}

void Entries::keep_through(const Entry& last) {
  keep(*this, [&](f32x16 values, i32x16 ids) {
    return (values > last.value) | ((values == last.value) & (ids <= last.id));
  });
}

double Entries::total_weight() const {
  f64x8 sums = {};
  for (std::int64_t i = 0; i < count_; i += LANES) sums = add_wide(sums, load(&weights_[i]));
  return sum(sums);
}

Above Entries::above(float pivot) const {
  f64x8 sums = {};
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < count_;) {
    f32x16 part = {};  // of few vectors: widening costs as much as all the rest
    for (int run = 0; run < 4 && i < count_; run++, i += LANES) {
      const i32x16 truth = load(&values_[i]) > pivot;
      part += truth ? load(&weights_[i]) : f32x16{};
      count += __builtin_popcount(lanes_of(truth));
    }
    sums = add_wide(sums, part);
  }
  return {sum(sums), count};
}

float Entries::largest() const {
  f32x16 best = splat(MINUS_INFINITY);
  for (std::int64_t i = 0; i < count_; i += LANES) best = max(best, load(&values_[i]));
  return max(best);
}

float Entries::smallest() const {
  f32x16 best = splat(MINUS_INFINITY);
  for (std::int64_t i = 0; i < count_; i += LANES) {
    const f32x16 values = load(&values_[i]);
    best = max(best, values > MINUS_INFINITY ? -values : splat(MINUS_INFINITY));  // the filling is not one
  }
  return -max(best);
}

namespace {

constexpr int FEW = 12;

// Inside [low, high), so that the range shrinks whatever the rounding.
float between(float low, float high) {
  const float middle = 0.5f * low + 0.5f * std::min(high, -LOWEST);  // high may be infinite
  return middle >= low && middle < high ? middle : low;
}

struct Few {
  Entry entries[FEW];  // `end` is the weight until they are walked
  int count = 0;

  // Insertion keeps equal values in the order they come, which is that of their ids.
  void insert(const Entry& entry) {
    int place = count++;
    for (; place && entries[place - 1].value < entry.value; place--) entries[place] = entries[place - 1];
    entries[place] = entry;
  }
};

Entry walk_few(const Entries& entries, double before, double target) {
  Few few{};
  for (std::int64_t i = 0; i < entries.count(); i++)
    few.insert({entries.value(i), entries.id(i), entries.weight(i)});
  for (int i = 0;; i++) {
    Entry& entry = few.entries[i];
    before = entry.end += before;
    if (before > target || i + 1 == few.count) return entry;
  }
}

// All values are equal, so they are ranked by id as they lie.
Entry walk_equal(const Entries& entries, double before, double target) {
  for (std::int64_t i = 0;; i++) {
    before += entries.weight(i);
    if (before > target || i + 1 == entries.count()) return {entries.value(i), entries.id(i), before};
  }
}

// Where the target lies: the values in [low, high], beneath those that weigh `before`.
struct Range {
  float low, high;
  double before = 0;
};

// Halves the range until at most half of the entries are in it, or all that are have one value.
Range narrowed(const Entries& entries, Range range, double target) {
  std::int64_t above_low = entries.count(), above_high = 0;
  while ((above_low - above_high) * 2 > entries.count() && range.low < range.high) {
    const float pivot = between(range.low, range.high);
    const Above above = entries.above(pivot);
    if (above.weight > target) {
      range.low = std::nextafter(pivot, range.high);
      above_low = above.count;
    } else {
      range.high = pivot;
      range.before = above.weight;
      above_high = above.count;
    }
  }
  return range;
}

}  // namespace

Entry first_beyond(const Entries& entries, double target, Entries& scratch) {
  const Entries* left = &entries;
  double before = 0;
  while (left->count() > FEW) {
    const Range whole{left->smallest(), left->largest()};
    if (whole.low == whole.high) return walk_equal(*left, before, target);
    const Range range = narrowed(*left, whole, target - before);
    scratch.keep_between(*left, range.low, range.high);
    before += range.before;
    left = &scratch;
  }
  return walk_few(*left, before, target);
}

}  // namespace penstock
