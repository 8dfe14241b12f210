// Repetition, frequency and presence penalties, from the history of each row. Knows tokens, not how they are drawn.
//
// One walk over the history for each: a mark for every token of the vocabulary says which have been met, and a second
// walk takes the marks away, so that no vocabulary is cleared.
#include "sampler.hpp"

#include "row_scan.hpp"

namespace penstock {

// See kernels/penalties.py.
struct Penalty {
  std::int64_t row;         // of the logits
  std::int64_t slot;        // of the tokens
  std::int64_t num_prompt;  // frequency and presence look at the tokens after these
  std::int64_t num_tokens;
  double repetition;  // 1 is off
  double frequency;   // 0 is off
  double presence;    // 0 is off
};

namespace {

// Calls body(token, first) for the tokens in order; `first` says that it had not been met.
template <class Body>
void each_token(const std::int32_t* tokens, std::int64_t count, std::int64_t size, std::vector<bool>& met,
                Body&& body) {
  const auto inside = [size](std::int32_t token) { return token >= 0 && token < size; };
  for (std::int64_t i = 0; i < count; i++) {
    if (!inside(tokens[i])) continue;
    body(tokens[i], !met[tokens[i]]);
    met[tokens[i]] = true;
  }
  for (std::int64_t i = 0; i < count; i++)
    if (inside(tokens[i])) met[tokens[i]] = false;
}

void penalise(float* logits, std::int64_t size, const std::int32_t* tokens, const Penalty& penalty,
              std::vector<bool>& met) {
  const float repetition = penalty.repetition, frequency = penalty.frequency, presence = penalty.presence;
  if (repetition != 1)
    each_token(tokens, penalty.num_tokens, size, met, [=](std::int32_t token, bool first) {
      float& logit = logits[token];
      if (first) logit = logit > 0 ? logit / repetition : logit * repetition;
    });
  if (frequency == 0 && presence == 0) return;
  const std::int64_t outputs = penalty.num_tokens - penalty.num_prompt;
  each_token(tokens + penalty.num_prompt, outputs, size, met,
             [=](std::int32_t token, bool) { logits[token] -= frequency; });
  each_token(tokens + penalty.num_prompt, outputs, size, met, [=](std::int32_t token, bool first) {
    if (first) logits[token] -= presence;
  });
}

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// logits float [.., size], a row every `stride`; tokens [.., token_stride]; penalties [count], of different rows.
void penstock_penalise(Sampler* sampler, float* logits, std::int64_t stride, std::int64_t size,
                       const std::int32_t* tokens, std::int64_t token_stride, const Penalty* penalties,
                       std::int64_t count) {
  std::int64_t cost = 0;
  for (std::int64_t i = 0; i < count; i++) cost += 16 * penalties[i].num_tokens;  // scattered, not in a line
  sampler->each_row(count, size, cost, [=](std::int64_t i, Scratch& scratch) {
    const Penalty& penalty = penalties[i];
    if (std::int64_t(scratch.met.size()) < size) scratch.met.resize(size);
    penalise(logits + penalty.row * stride, size, tokens + penalty.slot * token_stride, penalty, scratch.met);
  });
}
}
