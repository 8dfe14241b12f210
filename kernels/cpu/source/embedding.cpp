// Looks up one row per token in a packed table, which may be the head's too. Knows no vocabulary.
//
// Reading a row back from its panel touches as many cache lines as it has pairs, which is little beside one layer's weights and
// saves a second copy of the table.
#include "op.hpp"
#include "panels.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 8;

template <class T>
class Embedding : public Op {
 public:
  Embedding(const T* packed, float* out, std::int64_t width) : packed_(packed), out_(out), width_(width) {}

  void run(const Step& step, Member& member) override {
    const std::int64_t tiles = (step.num_tokens + TOKENS_PER_TILE - 1) / TOKENS_PER_TILE;
    member.each_tile(tiles, [&](std::int64_t tile) {
      const std::int64_t first = tile * TOKENS_PER_TILE;
      const std::int64_t end = std::min(first + TOKENS_PER_TILE, step.num_tokens);
      for (std::int64_t token = first; token < end; token++) copy(step.token_ids[token], out_ + token * width_);
    });
  }

 private:
  void copy(std::int64_t id, float* to) const {
    const T* panel = panel_at(packed_, id / PANEL, width_);
    for (std::int64_t k = 0; k < width_; k++) to[k] = widen(panel[place(panel, k, int(id % PANEL))]);
  }

  const T* packed_;
  float* out_;
  std::int64_t width_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// packed: the table with one column per id, see panels.hpp; out float [T, width].
Op* penstock_embedding_bf16(const bf16* packed, float* out, std::int64_t width) {
  return new Embedding<bf16>(packed, out, width);
}
Op* penstock_embedding_f32(const float* packed, float* out, std::int64_t width) {
  return new Embedding<float>(packed, out, width);
}
}
