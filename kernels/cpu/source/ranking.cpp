// How the entry at a target is found. Knows values and weights, not what they mean.
#include "ranking.hpp"

namespace penstock {

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
    scratch.keep(*left, [&](f32x16 values, i32x16) { return (values >= range.low) & (values <= range.high); });
    before += range.before;
    left = &scratch;
  }
  return walk_few(*left, before, target);
}

}  // namespace penstock
