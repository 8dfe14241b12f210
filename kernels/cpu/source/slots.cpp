// Turns the rows of a plan into the arrays of a step. Knows the worker's slots, not what is computed from them.
//
// For each row, slot slots[r] computes its next counts[r] tokens; rows lie one after another.
#include <cstring>

#include "op.hpp"

namespace penstock {

// Where the worker keeps its sequences; see workers/slots.py.
struct Slots {
  const std::int32_t* tokens;
  std::int64_t tokens_stride;
  const std::int32_t* blocks;
  std::int64_t blocks_stride;
  const std::int64_t* num_computed;
  std::int64_t block_size;
};

// The arrays that a step points to, allocated once for the largest.
struct StepArrays {
  std::int32_t* token_ids;
  std::int32_t* positions;
  std::int32_t* token_rows;
  std::int32_t* first_tokens;
  std::int32_t* query_lens;
  std::int32_t* context_lens;
  std::int32_t* block_tables;
  std::int32_t* sample_tokens;
  std::int64_t max_tokens;
};

}  // namespace penstock

using namespace penstock;

extern "C" {

// `samples` names the rows whose last token is sampled. Fills `step`, which points into `to` afterwards. Returns the number of
// tokens, or -1 when the arrays are too small for them.
std::int64_t penstock_step_fill(const Slots* slots, const StepArrays* to, const std::int64_t* rows, const std::int64_t* counts,
                        std::int64_t num_rows, const std::int64_t* samples, std::int64_t num_samples, Step* step) {
  std::int32_t token = 0;
  for (std::int64_t r = 0; r < num_rows; r++) {
    const std::int64_t slot = rows[r], count = counts[r], computed = slots->num_computed[slot];
    const std::int64_t context = computed + count, blocks = (context + slots->block_size - 1) / slots->block_size;
    if (token + count > to->max_tokens) return -1;
    to->first_tokens[r] = token;
    to->query_lens[r] = std::int32_t(count);
    to->context_lens[r] = std::int32_t(context);
    std::memcpy(to->token_ids + token, slots->tokens + slot * slots->tokens_stride + computed, 4 * count);
    std::memcpy(to->block_tables + r * slots->blocks_stride, slots->blocks + slot * slots->blocks_stride, 4 * blocks);
    for (std::int64_t i = 0; i < count; i++, token++) {
      to->positions[token] = std::int32_t(computed + i);
      to->token_rows[token] = std::int32_t(r);
    }
  }
  for (std::int64_t n = 0; n < num_samples; n++) {
    const std::int64_t r = samples[n];
    to->sample_tokens[n] = to->first_tokens[r] + to->query_lens[r] - 1;
  }
  *step = {token,          num_rows,          slots->blocks_stride, to->token_ids,    to->positions,  to->token_rows,
           to->first_tokens, to->query_lens, to->context_lens,     to->block_tables, num_samples, to->sample_tokens, 0};
  return token;
}
}
