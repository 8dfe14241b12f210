// One token for each row of logits: the best, a draw from all, or a draw from what filters leave. Knows no requests.
//
// A row is one thread's work from its first pass to its token, so no token depends on the threads or on the company.
// The passes: maxima of blocks (all rows); sums of weights by block (rows whose draw or top_p needs the whole); then
// only the blocks that can hold what is looked for. Weights are relative to the row's largest, sums are in double.
#include <functional>
#include <vector>

#include "ranking.hpp"
#include "team.hpp"

namespace penstock {

// See kernels/draws.py.
struct Draw {
  double temperature;  // 0 takes the best
  double top_p;
  double min_p;
  double uniform;  // in [0, 1)
  std::int64_t top_k;

  bool filtered() const { return top_k > 0 || top_p < 1 || min_p > 0; }
};

namespace {

constexpr double FLOOR = 50;  // e^-50 of 2^18 entries does not reach the last bit of a sum above 1
constexpr std::int64_t ALONE = 1 << 18;  // logits that one thread is through with before another would be awake

struct Scratch {
  std::vector<float> maxima, folded;
  std::vector<double> ends;
  Entries entries, narrowed;

  void reserve(std::int64_t size) {
    const std::size_t blocks = num_blocks(size);
    maxima.resize(std::max(maxima.size(), blocks * LANES));
    ends.resize(std::max(ends.size(), blocks));
    entries.reserve(size);
    narrowed.reserve(size);
  }
};

class RowSampler {
 public:
  RowSampler(const LogitRow& row, const Draw& draw, Scratch& scratch) : row_(row), draw_(draw), scratch_(scratch) {}

  std::int32_t sample() {
    largest_ = find_maxima(row_, scratch_.maxima.data());
    if (!std::isfinite(largest_)) return largest_ > 0 ? first_largest() : 0;
    if (draw_.temperature == 0) return first_largest();
    return draw_.filtered() ? draw_filtered() : draw_from_all();
  }

 private:
  std::int32_t first_largest() const {
    for (std::int64_t b = 0;; b++) {
      if (!reaches(b, largest_)) continue;
      for (int i = 0;; i += LANES)
        if (const Lanes lanes = lanes_of(load(row_.block(b) + i) == largest_))
          return static_cast<std::int32_t>(b * BLOCK + i + __builtin_ctz(lanes));
    }
  }

  // In the order of ids: first the block, then the place inside it.
  std::int32_t draw_from_all() {
    const Weigher weigher(largest_, draw_.temperature);
    const double target = draw_.uniform * sum_blocks(weigher);
    const std::vector<double>& ends = scratch_.ends;
    const std::int64_t last = last_with_weight();
    const std::int64_t b = std::min(std::upper_bound(ends.begin(), ends.begin() + last, target) - ends.begin(), last);
    return static_cast<std::int32_t>(b * BLOCK) + place_in_block(weigher, b, target - (b ? ends[b - 1] : 0));
  }

  // The running sums of all blocks; returns the last.
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

  std::int64_t last_with_weight() const {
    std::int64_t last = row_.blocks() - 1;
    while (last && scratch_.ends[last] == scratch_.ends[last - 1]) last--;
    return last;
  }

  static int place_in_block_of(const float* weights, double rest) {
    int last = 0;
    for (int i = 0; i < BLOCK; i++) {
      rest -= weights[i];
      if (weights[i] > 0) last = i;
      if (rest < 0) return i;
    }
    return last;  // the block's sum was rounded up
  }

  std::int32_t place_in_block(const Weigher& weigher, std::int64_t b, double rest) const {
    alignas(64) float weights[BLOCK];
    for (int i = 0; i < BLOCK; i += LANES) store(weights + i, weigher(load(row_.block(b) + i)));
    return place_in_block_of(weights, rest);
  }

  // By falling value. top_k and min_p come first, and top_p is a share of what they leave.
  std::int32_t draw_filtered() {
    const Weigher weigher(largest_, draw_.temperature);
    const bool whole = draw_.top_k == 0 && draw_.min_p <= 0;
    double total = whole ? sum_blocks(weigher) : 0;
    gather(bound(total));
    Entries& entries = scratch_.entries;
    if (draw_.top_k > 0 && entries.count() > draw_.top_k) keep_top(draw_.top_k);
    entries.weigh(weigher);
    if (!whole) total = entries.total_weight();
    Entry last{MINUS_INFINITY, 0, whole && draw_.top_p >= 1 ? total : entries.total_weight()};
    if (draw_.top_p < 1) last = first_beyond(entries, std::nextafter(draw_.top_p * total, -1.0), scratch_.narrowed);
    const Entry drawn = first_beyond(entries, draw_.uniform * last.end, scratch_.narrowed);
    return last.before(drawn) ? last.id : drawn.id;
  }

  // No entry below this value can be drawn.
  float bound(double total) {
    double least = std::exp(-FLOOR);
    // What lies below this share of the vocabulary is together less than top_p leaves out; halved, for rounding.
    if (total > 0) least = std::max(least, 0.5 * (1 - draw_.top_p) * total / static_cast<double>(row_.size()));
    const double value = largest_ + draw_.temperature * std::log(std::min(least, 1.0));
    float bound = static_cast<float>(std::max<double>(value, LOWEST));
    if (draw_.min_p > 0) bound = std::max(bound, min_p_bound(bound));
    if (draw_.top_k > 0) bound = std::max(bound, top_k_bound());
    return std::min(bound, largest_);
  }

  // The lowest value from `low` on whose weight is not below min_p, to the last bit.
  float min_p_bound(float low) const {
    const auto enough = [&](float value) {
      return std::exp((static_cast<double>(value) - largest_) / draw_.temperature) >= draw_.min_p;
    };
    std::int64_t below = order_of(low) - 1, reached = order_of(largest_);
    while (reached - below > 1) {
      const std::int64_t middle = (below + reached) / 2;
      (enough(value_of(middle)) ? reached : below) = middle;
    }
    return value_of(reached);
  }

  // Floats in order are integers in order.
  static std::int64_t order_of(float value) {
    std::int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? -static_cast<std::int64_t>(bits & 0x7fffffff) : bits;
  }
  static float value_of(std::int64_t order) {
    const std::uint32_t bits = order < 0 ? 0x80000000u | static_cast<std::uint32_t>(-order) : order;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  // The k-th largest of more than k maxima of disjoint places is not above the k-th largest value.
  float top_k_bound() {
    const std::vector<float>& maxima = scratch_.maxima;
    const std::int64_t blocks = row_.blocks(), k = std::min(draw_.top_k, row_.size());
    std::int64_t per_block = 1;
    while (per_block < LANES && per_block * blocks < 4 * k) per_block *= 2;
    if (per_block * blocks < k) return LOWEST;
    std::vector<float>& folded = scratch_.folded;
    folded.resize(per_block * blocks);
    for (std::int64_t b = 0; b < blocks; b++) fold(&maxima[b * LANES], &folded[b * per_block], per_block);
    std::nth_element(folded.begin(), folded.begin() + (k - 1), folded.end(), std::greater<float>());
    return std::max(folded[k - 1], LOWEST);
  }

  static void fold(const float* lanes, float* to, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i++) to[i] = lanes[i];
    for (std::int64_t i = count; i < LANES; i++) to[i % count] = std::max(to[i % count], lanes[i]);
  }

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

  bool reaches(std::int64_t b, float value) const { return lanes_of(load(&scratch_.maxima[b * LANES]) >= value); }

  void keep_top(std::int64_t k) {
    Entries& entries = scratch_.entries;
    entries.weigh([](f32x16) { return splat(1.0f); });
    const Entry last = first_beyond(entries, static_cast<double>(k) - 0.5, scratch_.narrowed);
    entries.keep(entries, [&](f32x16 values, i32x16 ids) {
      return (values > last.value) | ((values == last.value) & (ids <= last.id));
    });
  }

  const LogitRow& row_;
  const Draw& draw_;
  Scratch& scratch_;
  float largest_ = 0;
};

}  // namespace

// Keeps room for each thread's work between calls.
class Sampler {
 public:
  explicit Sampler(Team& team) : team_(team), scratches_(team.size()) {}

  void sample(const float* logits, std::int64_t stride, std::int64_t size, const Draw* draws, std::int64_t rows,
              std::int64_t* ids) {
    const auto one = [&](std::int64_t r, Scratch& scratch) {
      scratch.reserve(size);
      ids[r] = RowSampler(LogitRow(logits + r * stride, size), draws[r], scratch).sample();
    };
    if (rows * size <= ALONE || team_.size() == 1) {
      for (std::int64_t r = 0; r < rows; r++) one(r, scratches_[0]);
      return;
    }
    team_.run([&](Member& member) {
      member.each_tile(rows, [&](std::int64_t r) { one(r, scratches_[member.rank()]); });
    });
  }

 private:
  Team& team_;
  std::vector<Scratch> scratches_;
};

}  // namespace penstock

using namespace penstock;

extern "C" {
Sampler* penstock_sampler_new(Team* team) { return new Sampler(*team); }
void penstock_sampler_delete(Sampler* sampler) { delete sampler; }

// logits float [rows, size], a row every `stride`; draws [rows]; ids [rows], one token each.
void penstock_sample(Sampler* sampler, const float* logits, std::int64_t stride, std::int64_t size, const Draw* draws,
                     std::int64_t rows, std::int64_t* ids) {
  sampler->sample(logits, stride, size, draws, rows, ids);
}
}
