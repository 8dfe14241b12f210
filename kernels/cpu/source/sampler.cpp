// How the rows of a step are shared by threads. Knows what a row costs, not what is done to it.
#include "sampler.hpp"

#include "row_scan.hpp"

namespace penstock {

namespace {

constexpr std::int64_t ALONE = 1 << 18;  // logits that one thread is through with before another would be awake

}  // namespace

Sampler::Sampler(Team& team) : team_(team), scratches_(team.size()) {}
Sampler::~Sampler() = default;

void Sampler::each_row(std::int64_t rows, std::int64_t size, std::int64_t cost, Body<std::int64_t, Scratch&> body) {
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

}  // namespace penstock

using namespace penstock;

extern "C" {
Sampler* penstock_sampler_new(Team* team) { return new Sampler(*team); }
void penstock_sampler_delete(Sampler* sampler) { delete sampler; }
}
