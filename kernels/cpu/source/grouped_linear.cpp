// The experts' products on packed weights. Knows panels and rows, not who sorted them. See grouped_linear.hpp.
#include "grouped_linear.hpp"

#include "micro_kernel.hpp"

namespace penstock {

namespace {

template <class T>
struct Plain {
  static constexpr std::int64_t TILE_BYTES = 128 << 10;  // as in a dense layer

  const T* x;
  const T* packed;
  std::int64_t depth;

  std::int64_t panel_bytes() const { return depth * PANEL * std::int64_t(sizeof(T)); }

  void operator()(std::int64_t first, std::int64_t end, std::int64_t panel, std::int64_t number,
                  const Epilogue& finish) const {
    multiply_rows(x, depth, panel_at(packed, panel, depth), first, end, number, finish);
  }
};

}  // namespace

}  // namespace penstock

using namespace penstock;

// blocks: see groups.hpp; x [N, depth] in their order; packed: the experts' panels one after another, see panels.hpp.
// `columns` counts the outputs of a row before the epilogue, of one expert: for gate_up they are twice what is written.
#define LINEAR(KIND, NAME, T, OUT, EPILOGUE)                                                                          \
  Op* penstock_grouped_##KIND##_##NAME(const Block* blocks, const std::int32_t* num_blocks, const T* x,               \
                                       const T* packed, std::int64_t columns, std::int64_t depth, OUT* out) {         \
    return new GroupedLinear(blocks, num_blocks, Plain<T>{x, packed, depth}, columns, EPILOGUE);                      \
  }
#define LINEARS(NAME, T)                                                                                              \
  LINEAR(linear, NAME, T, float, store_to(out, nullptr, columns))                                                     \
  LINEAR(gate_up, NAME, T, T, gate_up_to(out, nullptr, columns / 2))

extern "C" {
LINEARS(bf16, bf16)
LINEARS(f32, float)
}
