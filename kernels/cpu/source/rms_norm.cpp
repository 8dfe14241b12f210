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
  RmsNorm(Extent extent, const float* x, const T* weight, T* out, std::int64_t width, float eps)
      : extent_(extent), x_(x), weight_(weight), out_(out), width_(width), eps_(eps) {}

  void run(const Step& step, Member& member) override {
    member.each_row(rows_of(step, extent_), TOKENS_PER_TILE, [&](std::int64_t row) {
      const std::int64_t token = extent_ == Extent::TOKENS ? row : step.sample_tokens[row];
      rms_norm(x_ + token * width_, weight_, out_ + row * width_, width_, eps_);
    });
  }

 private:
  Extent extent_;
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
// x float [T, width]; weight [width] and out in the named dtype: [T, width], or [N, width] of the sampled tokens' norms.
Op* penstock_rms_norm_bf16(Extent extent, const float* x, const bf16* weight, bf16* out, std::int64_t width, float eps) {
  return new RmsNorm<bf16>(extent, x, weight, out, width, eps);
}
Op* penstock_rms_norm_f32(Extent extent, const float* x, const float* weight, float* out, std::int64_t width, float eps) {
  return new RmsNorm<float>(extent, x, weight, out, width, eps);
}
}
