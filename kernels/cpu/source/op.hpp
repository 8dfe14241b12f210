// What every operation of a program is. Knows a step's rows, not a model.
//
// A program is a list of operations over buffers that were allocated once for the largest step; a step says how
// many tokens and rows of them are in use, and which pages of the cache belong to whom.
//
// T tokens of the step, R rows (one sequence each), N tokens that are sampled after: row r is tokens [first_token[r], first_token[r] + query_lens[r]),
// the last ones of its context_lens[r] tokens, whose blocks are block_tables[r * table_stride ...].
#pragma once

#include <cstdint>

#include "team.hpp"

namespace penstock {

struct Step {
  std::int64_t num_tokens;
  std::int64_t num_rows;
  std::int64_t table_stride;
  const std::int32_t* token_ids;     // [T]
  const std::int32_t* positions;     // [T]
  const std::int32_t* token_rows;    // [T] the row of each token
  const std::int32_t* first_tokens;  // [R]
  const std::int32_t* query_lens;    // [R]
  const std::int32_t* context_lens;  // [R] this step's tokens included
  const std::int32_t* block_tables;  // [R, table_stride]
  std::int64_t num_samples;
  const std::int32_t* sample_tokens;  // [N] the tokens whose logits are wanted
  std::int64_t is_short;              // not worth waking anybody for
};

// Which rows of its buffers an operation works on.
enum class Extent : std::int64_t { TOKENS = 0, SAMPLES = 1 };

inline std::int64_t rows_of(const Step& step, Extent extent) {
  return extent == Extent::TOKENS ? step.num_tokens : step.num_samples;
}

class Op {
 public:
  virtual ~Op() = default;

  // Called by all members at once; they share the work by tiles. A barrier follows, which is not the op's business.
  virtual void run(const Step& step, Member& member) = 0;
};

}  // namespace penstock
