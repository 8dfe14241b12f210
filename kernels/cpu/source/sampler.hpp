// The threads that work on the rows of a step, each with its own scratch memory. Knows no sampling.
//
// A row is one thread's work from its first pass to its answer, so no answer depends on the threads or on the company.
#pragma once

#include <cstdint>
#include <vector>

#include "team.hpp"

namespace penstock {

struct Scratch;  // see row_scan.hpp

class Sampler {
 public:
  explicit Sampler(Team& team);
  ~Sampler();

  // body(r, scratch) for each row, with room for rows of `size`; `cost` is about how many numbers all rows read.
  void each_row(std::int64_t rows, std::int64_t size, std::int64_t cost, Body<std::int64_t, Scratch&> body);

 private:
  Team& team_;
  std::vector<Scratch> scratches_;
};

}  // namespace penstock
