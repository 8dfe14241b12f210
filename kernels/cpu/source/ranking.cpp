// How the entry at a target is found. Knows values and weights, not what they mean.
#include "ranking.hpp"

namespace penstock {

namespace {

constexpr int FEW = 12;

// Inside [low, high): both halves hold something whatever the rounding.
float between(float low, float high) {
  const float middle = 0.5f * low + 0.5f * high;
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

}  // namespace

Entry first_beyond(const Entries& entries, double target, Entries& scratch) {
  const Entries* left = &entries;
  double before = 0;
  while (left->count() > FEW) {
    const float low = left->smallest(), high = left->largest();
    if (low == high) return walk_equal(*left, before, target);
    const float pivot = between(low, high);
    const double above = left->weight_above(pivot);
    if (before + above > target) {
      scratch.keep(*left, [pivot](f32x16 values, i32x16) { return values > pivot; });
    } else {
      before += above;
      scratch.keep(*left, [pivot](f32x16 values, i32x16) { return values <= pivot; });
    }
    left = &scratch;
  }
  return walk_few(*left, before, target);
}

}  // namespace penstock
