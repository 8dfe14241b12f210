// Matrix product on packed weights, with what follows it folded in. Knows tokens and panels, not layers.
//
// A tile is a block of tokens times some panels: few tokens stream the weights from memory once; many stay in the
// second cache while the panels pass by.
#include "micro_kernel.hpp"
#include "op.hpp"
#include "panels.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_BLOCK = 16 * MAX_TOKENS;
constexpr std::int64_t TILE_BYTES = 128 << 10;  // a few microseconds of memory: little to wait for at the end

template <class T>
class Linear : public Op {
 public:
  Linear(Extent extent, const T* x, const T* packed, std::int64_t columns, std::int64_t depth, const Epilogue& finish)
      : extent_(extent), x_(x), packed_(packed), depth_(depth),
        strips_(panels_of(columns), depth * PANEL * std::int64_t(sizeof(T)), TILE_BYTES), finish_(finish) {}

  void run(const Step& step, Member& member) override {
    const std::int64_t count = rows_of(step, extent_);
    const std::int64_t blocks = (count + TOKENS_PER_BLOCK - 1) / TOKENS_PER_BLOCK;
    const std::int64_t strips = strips_.count();
    member.each_tile(blocks * strips, [&](std::int64_t tile) {
      const std::int64_t first = tile / strips * count / blocks;
      const std::int64_t end = (tile / strips + 1) * count / blocks;
      strips_.each_panel(tile % strips, [&](std::int64_t panel) {
        multiply_rows(x_, depth_, panel_at(packed_, panel, depth_), first, end, panel, finish_);
      });
    });
  }

 private:
  Extent extent_;
  const T* x_;
  const T* packed_;
  std::int64_t depth_;
  Strips strips_;
  Epilogue finish_;
};

// A panel is a transposed strip of the matrix, in words of 32 bits: two bfloat16, or one float. It is written a few
// cache lines at a time, which stay near while all its columns come by.
void pack_panel(const std::uint32_t* const* rows, std::int64_t words, std::uint32_t* to) {
  constexpr std::int64_t WORDS = 16;
  for (std::int64_t first = 0; first < words; first += WORDS) {
    const std::int64_t end = words - first < WORDS ? words : first + WORDS;
    for (int column = 0; column < PANEL; column++)
      for (std::int64_t word = first; word < end; word++)
        to[word * PANEL + column] = rows[column] ? rows[column][word] : 0;
  }
}

void pack(Team& team, const std::uint32_t* const* rows, std::int64_t columns, std::int64_t words,
          std::uint32_t* packed) {
  team.run([&](Member& member) {
    member.each_tile(panels_of(columns), [&](std::int64_t panel) {
      pack_panel(rows + panel * PANEL, words, packed + panel * words * PANEL);
    });
  });
}

}  // namespace

}  // namespace penstock

using namespace penstock;

// x [rows, depth], where extent says which rows; packed: see panels.hpp; bias float, padded to whole panels, or null. `columns`
// counts the outputs of a row before the epilogue: for gate_up they are twice what is written.
#define LINEAR(KIND, NAME, T, OUT, EPILOGUE)                                                                          \
  Op* penstock_##KIND##_##NAME(Extent extent, const T* x, const T* packed, const float* bias, std::int64_t columns,  \
                               std::int64_t depth, OUT* out) {                                                        \
    return new Linear<T>(extent, x, packed, columns, depth, EPILOGUE);                                                \
  }
#define LINEARS(NAME, T)                                                                                              \
  LINEAR(linear, NAME, T, T, store_to(out, bias, columns))                                                            \
  LINEAR(linear_to_float, NAME, T, float, store_to(out, bias, columns))                                               \
  LINEAR(linear_residual, NAME, T, float, add_to(out, bias, columns))                                                 \
  LINEAR(linear_gate_up, NAME, T, T, gate_up_to(out, bias, columns / 2))

extern "C" {
LINEARS(bf16, bf16)
LINEARS(f32, float)

// Any matrix whose rows are whole words of 32 bits. rows: the address of each packed column's source, null for padding.
void penstock_pack(Team* team, const std::uint32_t* const* rows, std::int64_t columns, std::int64_t words,
                   std::uint32_t* packed) {
  pack(*team, rows, columns, words, packed);
}
}
