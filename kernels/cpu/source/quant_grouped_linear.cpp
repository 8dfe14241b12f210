// The experts' products on quantized weights. Knows panels and rows, not who sorted them. See grouped_linear.hpp.
#include "grouped_linear.hpp"
#include "quant_micro_kernel.hpp"

namespace penstock {

namespace {

template <class Format>
struct Quantized {
  static constexpr std::int64_t TILE_BYTES = 64 << 10;

  const QuantizedGroup* x;
  const std::uint8_t* packed;
  std::int64_t groups;

  std::int64_t panel_bytes() const { return groups * GROUP_BYTES<Format>; }

  void operator()(std::int64_t first, std::int64_t end, std::int64_t panel, std::int64_t number,
                  const Epilogue& finish) const {
    multiply_rows_quantized<Format>(x, group_at<Format>(packed, panel, groups), groups, first, end, number, finish);
  }
};

}  // namespace

}  // namespace penstock

using namespace penstock;

// blocks: see groups.hpp; x [N, depth / 32] in their order; packed: the experts' panels one after another, see quantized.hpp.
// `columns` counts the outputs of a row before the epilogue, of one expert: for gate_up they are twice what is written.
#define LINEAR(KIND, FORMAT, OUT, EPILOGUE)                                                                           \
  Op* penstock_quant_grouped_##KIND(const Block* blocks, const std::int32_t* num_blocks, const QuantizedGroup* x,     \
                                    const std::uint8_t* packed, std::int64_t columns, std::int64_t depth, OUT* out) { \
    return new GroupedLinear(blocks, num_blocks, Quantized<FORMAT>{x, packed, depth / GROUP}, columns, EPILOGUE);     \
  }
#define LINEARS(NAME, FORMAT)                                                                                         \
  LINEAR(linear_##NAME, FORMAT, float, store_to(out, nullptr, columns))                                               \
  LINEAR(gate_up_##NAME##_bf16, FORMAT, bf16, gate_up_to(out, nullptr, columns / 2))                                  \
  LINEAR(gate_up_##NAME##_f32, FORMAT, float, gate_up_to(out, nullptr, columns / 2))

extern "C" {
LINEARS(int8, Int8)
LINEARS(int4, Int4)
}
