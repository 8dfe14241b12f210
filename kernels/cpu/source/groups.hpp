// A step's pairs of a token and one of its experts, sorted by expert. Knows numbers of rows, not what is in them.
//
// T tokens with K experts each are N = T K pairs, and each pair has a row of its own in what the experts read and write:
//
//   pair  t K + k   0 1 | 2 3 | 4 5         experts  2 0 | 0 1 | 2 0
//   places          4 0 | 1 3 | 5 2         rows     e0: t0 t1 t2 | e1: t1 | e2: t0 t2
//
// An expert's rows are cut into blocks, which stay in the second cache while its panels pass by.
#pragma once

#include <cstdint>

namespace penstock {

// Rows [first, end) of one expert: never empty.
struct Block {
  std::int32_t expert;
  std::int32_t first;
  std::int32_t end;
};
static_assert(sizeof(Block) == 12);

}  // namespace penstock
