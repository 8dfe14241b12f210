// Matrix product of 8-bit activations with quantized weights, with what follows it folded in. Knows tokens and panels, not layers.
//
// A tile is a block of tokens times some panels: few tokens stream the weights from memory once; many stay in the
// second cache while the panels pass by.
#include <algorithm>

#include "op.hpp"
#include "panels.hpp"
#include "quant_micro_kernel.hpp"

namespace penstock {

namespace {

constexpr std::int64_t BLOCK_BYTES = 384 * 1024;  // of activations: the panels want some of the second cache too
constexpr std::int64_t TILE_BYTES = 16 * 1024;    // of weights: enough to be worth the asking
constexpr std::int64_t TILES_PER_MEMBER = 4;      // where there are tokens enough, so that all end together

template <class Format>
class QuantLinear : public Op {
 public:
  QuantLinear(Extent extent, const QuantizedGroup* x, const std::uint8_t* packed, std::int64_t columns,
              std::int64_t depth, const Epilogue& finish)
      : extent_(extent), x_(x), packed_(packed), groups_(depth / GROUP),
        strips_(panels_of(columns), groups_ * GROUP_BYTES<Format>, TILE_BYTES), finish_(finish) {}

  void run(const Step& step, Member& member) override {
    const std::int64_t count = rows_of(step, extent_);
    const std::int64_t strips = strips_.count(), blocks = blocks_of(count, TILES_PER_MEMBER * member.size(), strips);
    member.each_tile(blocks * strips, [&](std::int64_t tile) {
      const std::int64_t first = tile / strips * count / blocks;
      const std::int64_t end = (tile / strips + 1) * count / blocks;
      strips_.each_panel(tile % strips, [&](std::int64_t panel) {
        multiply_rows_quantized<Format>(x_, group_at<Format>(packed_, panel, groups_), groups_, first, end, panel,
                                        finish_);
      });
    });
  }

 private:
  static std::int64_t over(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

  // Into how many blocks the tokens are cut: small enough for the cache, and enough tiles for everybody.
  std::int64_t blocks_of(std::int64_t count, std::int64_t wanted_tiles, std::int64_t strips) const {
    const std::int64_t fitting = over(count * groups_ * std::int64_t(sizeof(QuantizedGroup)), BLOCK_BYTES);
    return std::max(fitting, std::min(over(wanted_tiles, strips), over(count, MAX_QUANTIZED_TOKENS)));
  }

  Extent extent_;
  const QuantizedGroup* x_;
  const std::uint8_t* packed_;
  std::int64_t groups_;
  Strips strips_;
  Epilogue finish_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

// x [rows, depth / 32], where extent says which rows; packed: see quantized.hpp; bias float, padded to whole panels, or null.
// `columns` counts the outputs of a row before the epilogue: for gate_up they are twice what is written.
#define LINEAR(KIND, FORMAT, OUT, EPILOGUE)                                                                           \
  Op* penstock_quant_##KIND(Extent extent, const QuantizedGroup* x, const std::uint8_t* packed, const float* bias,    \
                            std::int64_t columns, std::int64_t depth, OUT* out) {                                     \
    return new QuantLinear<FORMAT>(extent, x, packed, columns, depth, EPILOGUE);                                      \
  }
#define LINEARS(NAME, FORMAT)                                                                                         \
  LINEAR(linear_##NAME##_bf16, FORMAT, bf16, store_to(out, bias, columns))                                            \
  LINEAR(linear_##NAME##_f32, FORMAT, float, store_to(out, bias, columns))                                            \
  LINEAR(linear_residual_##NAME, FORMAT, float, add_to(out, bias, columns))                                           \
  LINEAR(linear_gate_up_##NAME##_bf16, FORMAT, bf16, gate_up_to(out, bias, columns / 2))                              \
  LINEAR(linear_gate_up_##NAME##_f32, FORMAT, float, gate_up_to(out, bias, columns / 2))

extern "C" {
LINEARS(int8, Int8)
LINEARS(int4, Int4)
}
