// The threads that work on the rows of a step, each with its own scratch memory. Knows no sampling.
//
// A row is one thread's work from its first pass to its answer, so no answer depends on the threads or on the company.
#pragma once

#include <vector>

#include "row_scan.hpp"
#include "team.hpp"

namespace penstock {

constexpr std::int64_t ALONE = 1 << 18;  // logits that one thread is through with before another would be awake

class Sampler {
 public:
  explicit Sampler(Team& team) : team_(team), scratches_(team.size()) {}

  // body(r, scratch) for each row, with room for rows of `size`; `cost` is about how many numbers all rows read.
  template <class Body>
  void each_row(std::int64_t rows, std::int64_t size, std::int64_t cost, Body&& body) {
    const auto one = [&](std::int64_t r, Scratch& scratch) {
      scratch.reserve(size);
      body(r, scratch);
    };
    if (cost <= ALONE || team_.size() == 1) {
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
