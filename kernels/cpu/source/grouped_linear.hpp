// Matrix products of rows that are sorted by expert, each block of them with its own expert's panels. Knows tiles, not how a
// panel is multiplied.
//
// A tile is a block of rows times some panels of its expert. Tiles are as large in every expert as in a dense layer, whatever the
// number of its rows, so the team's members find equal work; and few rows stream an expert's panels from memory once.
#pragma once

#include "epilogue.hpp"
#include "groups.hpp"
#include "op.hpp"
#include "panels.hpp"

namespace penstock {

// `Product` multiplies rows with a panel: product(first, end, panel, number, finish), where `number` counts within the expert.
template <class Product>
class GroupedLinear : public Op {
 public:
  GroupedLinear(const Block* blocks, const std::int32_t* num_blocks, Product product, std::int64_t columns,
                const Epilogue& finish)
      : blocks_(blocks), num_blocks_(num_blocks), product_(product), panels_(panels_of(columns)), finish_(finish) {}

  void run(const Step&, Member& member) override {
    const Strips strips(panels_, product_.panel_bytes(), Product::TILE_BYTES);
    const std::int64_t count = strips.count();
    member.each_tile(*num_blocks_ * count, [&](std::int64_t tile) {
      const Block& block = blocks_[tile / count];
      strips.each_panel(tile % count, [&](std::int64_t number) {
        product_(block.first, block.end, block.expert * panels_ + number, number, finish_);
      });
    });
  }

 private:
  const Block* blocks_;
  const std::int32_t* num_blocks_;
  Product product_;
  std::int64_t panels_;  // of one expert
  Epilogue finish_;
};

}  // namespace penstock
