// Looks up one row per token in a packed table, which may be the head's too. Knows no vocabulary.
//
// Reading a row back from its panel touches as many cache lines as it has pairs, which is little beside one layer's weights and
// saves a second copy of the table.
#include "op.hpp"
#include "panels.hpp"
#include "quantized.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 8;

// `Table` copies one of its rows as floats: table(id, to).
template <class Table>
class Embedding : public Op {
 public:
  Embedding(Table table, float* out, std::int64_t width) : table_(table), out_(out), width_(width) {}

  void run(const Step& step, Member& member) override {
    member.each_row(step.num_tokens, TOKENS_PER_TILE,
                    [&](std::int64_t token) { table_(step.token_ids[token], out_ + token * width_); });
  }

 private:
  Table table_;
  float* out_;
  std::int64_t width_;
};

template <class T>
Op* embedding(const T* packed, float* out, std::int64_t width) {
  const auto table = [=](std::int64_t id, float* to) {
    const T* panel = panel_at(packed, id / PANEL, width);
    for (std::int64_t k = 0; k < width; k++) to[k] = widen(panel[place(panel, k, int(id % PANEL))]);
  };
  return new Embedding(table, out, width);
}

template <class Format>
Op* quant_embedding(const std::uint8_t* packed, float* out, std::int64_t width) {
  const auto table = [=](std::int64_t id, float* to) { dequantize_column<Format>(packed, id, width, to); };
  return new Embedding(table, out, width);
}

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// packed: the table with one column per id, see panels.hpp and quantized.hpp; out float [T, width].
Op* penstock_embedding_bf16(const bf16* packed, float* out, std::int64_t width) {
  return embedding(packed, out, width);
}
Op* penstock_embedding_f32(const float* packed, float* out, std::int64_t width) {
  return embedding(packed, out, width);
}
Op* penstock_embedding_int8(const std::uint8_t* packed, float* out, std::int64_t width) {
  return quant_embedding<Int8>(packed, out, width);
}
Op* penstock_embedding_int4(const std::uint8_t* packed, float* out, std::int64_t width) {
  return quant_embedding<Int4>(packed, out, width);
}
}
