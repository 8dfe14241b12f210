// Rounds each token's activations to 8 bits, for the quantized linears. Knows no weights.
#include "op.hpp"
#include "quantize_row.hpp"

namespace penstock {

namespace {

constexpr std::int64_t ROWS_PER_TILE = 4;

template <class T>
class QuantizeRows : public Op {
 public:
  QuantizeRows(Extent extent, const T* x, QuantizedGroup* out, std::int64_t depth)
      : extent_(extent), x_(x), out_(out), depth_(depth) {}

  void run(const Step& step, Member& member) override {
    member.each_row(rows_of(step, extent_), ROWS_PER_TILE, [&](std::int64_t row) {
      quantize_row(x_ + row * depth_, depth_, out_ + row * (depth_ / GROUP));
    });
  }

 private:
  Extent extent_;
  const T* x_;
  QuantizedGroup* out_;
  std::int64_t depth_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// x [rows, depth], where extent says which rows; out [rows, depth / 32].
Op* penstock_quantize_rows_bf16(Extent extent, const bf16* x, QuantizedGroup* out, std::int64_t depth) {
  return new QuantizeRows<bf16>(extent, x, out, depth);
}
Op* penstock_quantize_rows_f32(Extent extent, const float* x, QuantizedGroup* out, std::int64_t depth) {
  return new QuantizeRows<float>(extent, x, out, depth);
}
}
