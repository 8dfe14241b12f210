// Sorts a step's tokens by their experts. Knows ids, no rows. See groups.hpp.
//
// One member does it all: a few thousand numbers are sorted before another would have begun.
#include <vector>

#include "groups.hpp"
#include "op.hpp"

namespace penstock {

namespace {

constexpr std::int32_t ROWS_PER_BLOCK = 224;

class Group : public Op {
 public:
  Group(const std::int32_t* ids, std::int64_t experts, std::int64_t chosen, std::int32_t* places, std::int32_t* tokens,
        Block* blocks, std::int32_t* num_blocks)
      : ids_(ids), experts_(std::int32_t(experts)), chosen_(chosen), places_(places), tokens_(tokens), blocks_(blocks),
        num_blocks_(num_blocks), ends_(experts + 1) {}

  void run(const Step& step, Member& member) override {
    member.each_tile(1, [&](std::int64_t) {
      count(step.num_tokens * chosen_);
      place(step.num_tokens);
      cut();
    });
  }

 private:
  // ends_[e]: the rows before those of expert e.
  void count(std::int64_t pairs) {
    ends_.assign(ends_.size(), 0);
    for (std::int64_t pair = 0; pair < pairs; pair++) ends_[ids_[pair] + 1]++;
    for (std::size_t expert = 1; expert < ends_.size(); expert++) ends_[expert] += ends_[expert - 1];
  }

  // ends_[e] grows to where the rows of expert e end, which is where the next one's begin.
  void place(std::int64_t tokens) {
    for (std::int64_t token = 0, pair = 0; token < tokens; token++)
      for (std::int64_t k = 0; k < chosen_; k++, pair++) {
        places_[pair] = ends_[ids_[pair]]++;
        tokens_[places_[pair]] = std::int32_t(token);
      }
  }

  void cut() {
    std::int32_t next = 0;
    std::int64_t first = 0;
    for (std::int32_t expert = 0; expert < experts_; first = ends_[expert++]) {
      const std::int64_t rows = ends_[expert] - first, parts = (rows + ROWS_PER_BLOCK - 1) / ROWS_PER_BLOCK;
      for (std::int64_t part = 0; part < parts; part++)
        blocks_[next++] = {expert, std::int32_t(first + rows * part / parts),
                           std::int32_t(first + rows * (part + 1) / parts)};
    }
    *num_blocks_ = next;
  }

  const std::int32_t* ids_;
  std::int32_t experts_;
  std::int64_t chosen_;
  std::int32_t* places_;
  std::int32_t* tokens_;
  Block* blocks_;
  std::int32_t* num_blocks_;
  std::vector<std::int32_t> ends_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// ids [T, chosen], each token's all different; places [T, chosen]: the row of each pair; tokens [T * chosen]: the token of each row;
// blocks: room for T * chosen, of which num_blocks [1] are in use.
Op* penstock_group(const std::int32_t* ids, std::int64_t experts, std::int64_t chosen, std::int32_t* places,
                   std::int32_t* tokens, Block* blocks, std::int32_t* num_blocks) {
  return new Group(ids, experts, chosen, places, tokens, blocks, num_blocks);
}
}
