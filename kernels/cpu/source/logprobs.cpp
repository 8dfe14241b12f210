// Log probabilities of chosen tokens and of the likeliest ones. Knows no sampling.
#include "sampler.hpp"

#include <algorithm>
#include <cmath>

#include "row_scan.hpp"

namespace penstock {

namespace {

class RowReport {
 public:
  RowReport(const float* logits, std::int64_t size, Scratch& scratch)
      : logits_(logits), scan_(logits, size, scratch), normalizer_(log_sum_exp()) {}

  float logprob(std::int64_t id) const { return static_cast<float>(logits_[id] - normalizer_); }

  // 1 and the number of likelier ids.
  std::int64_t rank(std::int64_t id) const { return scan_.count_above(logits_[id]) + 1; }

  // By falling logit, ties by the lower id; what is no number comes last.
  void top(std::int64_t count, std::int64_t* ids) {
    scan_.gather(scan_.top_bound(count));
    scan_.keep_top(count);
    Entries& entries = scan_.entries();
    const std::int64_t found = entries.count();
    std::vector<Entry>& ranked = scan_.ranked();
    ranked.resize(found);
    for (std::int64_t i = 0; i < found; i++) ranked[i] = {entries.value(i), entries.id(i), 0};
    std::sort(ranked.begin(), ranked.end(), [](const Entry& a, const Entry& b) { return a.before(b); });
    for (std::int64_t i = 0; i < found; i++) ids[i] = ranked[i].id;
    fill_up(ids + found, ids + count);
  }

 private:
  double log_sum_exp() { return std::log(scan_.sum_blocks(Weigher(scan_.largest(), 1.0))) + scan_.largest(); }

  void fill_up(std::int64_t* next, std::int64_t* end) const {
    for (std::int64_t id = 0; next < end; id++)
      if (!(logits_[id] >= LOWEST)) *next++ = id;
  }

  const float* logits_;
  RowScan scan_;
  double normalizer_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// For each of `count` tokens: itself and the `top` likeliest ids, top <= size. logits float [.., size], a row every
// `stride`; rows and tokens [count]; ids int64 and values float [count, 1 + top]; ranks [count].
void penstock_logprobs(Sampler* sampler, const float* logits, std::int64_t stride, std::int64_t size,
                       const std::int64_t* rows, const std::int64_t* tokens, std::int64_t count, std::int64_t top,
                       std::int64_t* ids, float* values, std::int64_t* ranks) {
  sampler->each_row(count, size, count * size, [=](std::int64_t i, Scratch& scratch) {
    RowReport report(logits + rows[i] * stride, size, scratch);
    std::int64_t* const ids_W = ids + i * (1 + top);
    ids_W[0] = tokens[i];
    if (top) report.top(top, ids_W + 1);
    for (std::int64_t w = 0; w <= top; w++) values[i * (1 + top) + w] = report.logprob(ids_W[w]);
    ranks[i] = report.rank(tokens[i]);
  });
}
}
