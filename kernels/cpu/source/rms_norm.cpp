// Root-mean-square norm of each token. Knows no layers.
//
// Reads the float residual and writes the model's dtype. As the reference does, it rounds before the weight.
#include "op.hpp"
#include "rms_norm.hpp"
#include "simd.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 8;

template <class T>
class RmsNorm : public Op {
 public:
  RmsNorm(const float* x, const T* weight, T* out, std::int64_t width, float eps)
      : x_(x), weight_(weight), out_(out), width_(width), eps_(eps) {}

  void run(const Step& step, Member& member) override {
    const std::int64_t tiles = (step.num_tokens + TOKENS_PER_TILE - 1) / TOKENS_PER_TILE;
    member.each_tile(tiles, [&](std::int64_t tile) {
      const std::int64_t first = tile * TOKENS_PER_TILE;
      const std::int64_t end = std::min(first + TOKENS_PER_TILE, step.num_tokens);
      for (std::int64_t token = first; token < end; token++)
        rms_norm(x_ + token * width_, weight_, out_ + token * width_, width_, eps_);
    });
  }

 private:
  const float* x_;
  const T* weight_;
  T* out_;
  std::int64_t width_;
  float eps_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// x float [T, width]; weight [width] and out [T, width] in the named dtype.
Op* penstock_rms_norm_bf16(const float* x, const bf16* weight, bf16* out, std::int64_t width, float eps) {
  return new RmsNorm<bf16>(x, weight, out, width, eps);
}
Op* penstock_rms_norm_f32(const float* x, const float* weight, float* out, std::int64_t width, float eps) {
  return new RmsNorm<float>(x, weight, out, width, eps);
}
}
