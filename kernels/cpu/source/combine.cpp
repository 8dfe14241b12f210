// Adds what a token's experts made of it to its residual. Knows weights and rows, not experts.
//
// In float, in the order in which the router chose them, then the expert for all: a token's sum does not depend on its company.
#include "op.hpp"
#include "simd.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 4;

class Combine : public Op {
 public:
  Combine(const float* rows, const std::int32_t* places, const float* weights, std::int64_t chosen, const float* shared,
          const float* shared_weights, float* residual, std::int64_t width)
      : rows_(rows), places_(places), weights_(weights), chosen_(chosen), shared_(shared),
        shared_weights_(shared_weights), residual_(residual), width_(width) {}

  void run(const Step& step, Member& member) override {
    member.each_row(step.num_tokens, TOKENS_PER_TILE, [&](std::int64_t token) { combine(token); });
  }

 private:
  void combine(std::int64_t token) const {
    float* to = residual_ + token * width_;
    const std::int64_t whole = width_ / LANES * LANES;
    const int rest = int(width_ - whole);
    for (std::int64_t column = 0; column < whole; column += LANES)
      store(to + column, load(to + column) + total(token, [=](const float* row) { return load(row + column); }));
    if (rest)
      store_some(to + whole,
                 load_some(to + whole, rest) + total(token, [=](const float* row) { return load_some(row + whole, rest); }),
                 rest);
  }

  template <class Load>
  f32x16 total(std::int64_t token, Load&& load_from) const {
    f32x16 total = {};
    for (std::int64_t pair = token * chosen_; pair < (token + 1) * chosen_; pair++)
      total += weights_[pair] * load_from(rows_ + places_[pair] * width_);
    if (shared_) total += shared_weights_[token] * load_from(shared_ + token * width_);
    return total;
  }

  const float* rows_;
  const std::int32_t* places_;
  const float* weights_;
  std::int64_t chosen_;
  const float* shared_;
  const float* shared_weights_;
  float* residual_;
  std::int64_t width_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// rows float [T * chosen, width]; places and weights [T, chosen]; shared float [T, width] with its weights [T], or both null;
// residual float [T, width].
Op* penstock_combine(const float* rows, const std::int32_t* places, const float* weights, std::int64_t chosen,
                     const float* shared, const float* shared_weights, float* residual, std::int64_t width) {
  return new Combine(rows, places, weights, chosen, shared, shared_weights, residual, width);
}
}
