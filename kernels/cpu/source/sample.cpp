// One token for each row of logits: the best, a draw from all, or a draw from what filters leave. Knows no requests.
//
// The passes: maxima of blocks (all rows); sums of weights by block (rows whose draw or top_p needs the whole); then
// only the blocks that can hold what is looked for. Weights are relative to the row's largest, sums are in double.
#include "constrain.hpp"
#include "sampler.hpp"

#include <algorithm>
#include <cmath>

#include "row_scan.hpp"

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

class RowSampler {
 public:
  RowSampler(const float* logits, std::int64_t size, const Draw& draw, Scratch& scratch)
      : scan_(logits, size, scratch), draw_(draw), largest_(scan_.largest()) {}

  std::int32_t sample() {
    if (!std::isfinite(largest_)) return largest_ > 0 ? scan_.first_largest() : 0;
    if (draw_.temperature == 0) return scan_.first_largest();
    return draw_.filtered() ? draw_filtered() : draw_from_all();
  }

 private:
  // In the order of ids: first the block, then the place inside it.
  std::int32_t draw_from_all() {
    const Weigher weigher(largest_, draw_.temperature);
    const double target = draw_.uniform * scan_.sum_blocks(weigher);
    const std::int64_t last = last_with_weight();
    std::int64_t b = 0;
    while (b < last && scan_.end(b) <= target) b++;
    return static_cast<std::int32_t>(b * BLOCK) + place_in_block(weigher, b, target - (b ? scan_.end(b - 1) : 0));
  }

  std::int64_t last_with_weight() const {
    std::int64_t last = scan_.blocks() - 1;
    while (last && scan_.end(last) == scan_.end(last - 1)) last--;
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
    for (int i = 0; i < BLOCK; i += LANES) store(weights + i, weigher(load(scan_.block(b) + i)));
    return place_in_block_of(weights, rest);
  }

  // By falling value. top_k and min_p come first, and top_p is a share of what they leave.
  std::int32_t draw_filtered() {
    const Weigher weigher(largest_, draw_.temperature);
    const bool whole = draw_.top_k == 0 && draw_.min_p <= 0;
    double total = whole ? scan_.sum_blocks(weigher) : 0;
    scan_.gather(bound(total));
    if (draw_.top_k > 0) scan_.keep_top(draw_.top_k);
    scan_.entries().weigh(weigher);
    if (!whole) total = scan_.entries().total_weight();
    Entry last{MINUS_INFINITY, 0, total};
    if (draw_.top_p < 1) last = scan_.first_beyond(std::nextafter(draw_.top_p * total, -1.0));
    const Entry drawn = scan_.first_beyond(draw_.uniform * last.end);
    return last.before(drawn) ? last.id : drawn.id;
  }

  // No entry below this value can be drawn.
  float bound(double total) {
    double least = std::exp(-FLOOR);
    // What lies below this share of the vocabulary is together less than top_p leaves out; halved, for rounding.
    if (total > 0) least = std::max(least, 0.5 * (1 - draw_.top_p) * total / static_cast<double>(scan_.size()));
    const double value = largest_ + draw_.temperature * std::log(std::min(least, 1.0));
    float bound = static_cast<float>(std::max<double>(value, LOWEST));
    if (draw_.min_p > 0) bound = std::max(bound, min_p_bound(bound));
    if (draw_.top_k > 0) bound = std::max(bound, scan_.top_bound(draw_.top_k));
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

  RowScan scan_;
  const Draw& draw_;
  float largest_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// logits float [rows, size], a row every `stride`; draws [rows]; ids [rows], one token each.
void penstock_sample(Sampler* sampler, const float* logits, std::int64_t stride, std::int64_t size, const Draw* draws,
                     std::int64_t rows, std::int64_t* ids) {
  sampler->each_row(rows, size, rows * size, [=](std::int64_t r, Scratch& scratch) {
    ids[r] = RowSampler(logits + r * stride, size, draws[r], scratch).sample();
  });
}

// The same for rows that are named, among the tokens of their masks; all others become -inf. words [.., word_stride];
// rows, masks, draws and ids [count]: row rows[i] of the logits gets mask masks[i]. Rows are different.
void penstock_sample_among(Sampler* sampler, float* logits, std::int64_t stride, std::int64_t size,
                           const std::uint32_t* words, std::int64_t word_stride, const std::int64_t* rows,
                           const std::int64_t* masks, const Draw* draws, std::int64_t count, std::int64_t* ids) {
  sampler->each_row(count, size, count * size, [=](std::int64_t i, Scratch& scratch) {
    float* row = logits + rows[i] * stride;
    constrain(row, size, words + masks[i] * word_stride);
    ids[i] = RowSampler(row, size, draws[i], scratch).sample();
  });
}
}
