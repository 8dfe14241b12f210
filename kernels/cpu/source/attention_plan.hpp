// Cuts a step's attention into tiles. Knows positions, not keys.
//
// A chunk is a few queries of one row. A tile is a chunk under one KV head, or, where there would be too few of those
// to go round, only some partitions of it; what the tiles of such a chunk find is folded by the last of them. How a
// step is cut never changes a bit of it.
#pragma once

#include <algorithm>
#include <vector>

#include "attention_tile.hpp"
#include "op.hpp"

namespace penstock {

struct Chunk {
  std::int64_t row;             // of the step
  std::int64_t token;           // the first
  std::int64_t position;        // of the first
  std::int64_t queries;
  Span partitions;              // that any of its queries sees
  std::int64_t stride = 0;      // partitions of a tile
  std::int64_t splits = 1;      // tiles under one KV head
  std::int64_t first_tile = 0;  // split by split, then by KV head
  std::int64_t partials = -1;   // where its partials begin if it is split: [G][partitions][rows]
};

struct AttentionShape {
  std::int64_t num_heads;
  std::int64_t window;  // 0: none
  KvLayout layout;

  std::int64_t group() const { return num_heads / layout.num_kv_heads; }

  // Some hundred rows share what a tile reads; a multiple of 8 queries fills blocks of rows whatever the group.
  std::int64_t chunk_queries() const { return ROWS * std::max<std::int64_t>(1, 16 / group()); }

  Span seen(std::int64_t position) const {
    return {window ? std::max<std::int64_t>(0, position + 1 - window) : 0, position + 1};
  }
};

class AttentionPlan {
 public:
  // `room` is how many partials there is space for. Chunks that find none left stay whole.
  void make(const Step& step, const AttentionShape& shape, std::int64_t threads, std::int64_t room) {
    chunks_.clear();
    std::int64_t work = 0;
    for (std::int64_t row = 0; row < step.num_rows; row++) work += add_row(step, shape, row);
    // Four tiles a thread, if they were equal.
    const std::int64_t fair = threads == 1 ? work : work / (4 * threads) + 1;
    split(shape, fair, room);
  }

  std::int64_t num_tiles() const { return num_tiles_; }

  const Chunk& of(std::int64_t tile) const {
    const auto after = [](std::int64_t value, const Chunk& chunk) { return value < chunk.first_tile; };
    return *(std::upper_bound(chunks_.begin(), chunks_.end(), tile, after) - 1);
  }

 private:
  static std::int64_t cost(const Chunk& chunk, const AttentionShape& shape) {
    return (chunk.partitions.end - chunk.partitions.begin) * chunk.queries * shape.group();
  }

  std::int64_t add_row(const Step& step, const AttentionShape& shape, std::int64_t row) {
    const std::int64_t length = step.query_lens[row], most = shape.chunk_queries();
    std::int64_t work = 0;
    for (std::int64_t done = 0; done < length; done += most) {
      Chunk chunk{};
      chunk.row = row;
      chunk.token = step.first_tokens[row] + done;
      chunk.position = step.context_lens[row] - length + done;
      chunk.queries = std::min(most, length - done);
      chunk.partitions = {shape.seen(chunk.position).begin / PARTITION,
                          (chunk.position + chunk.queries - 1) / PARTITION + 1};
      chunks_.push_back(chunk);
      work += cost(chunk, shape) * shape.layout.num_kv_heads;
    }
    return work;
  }

  void split(const AttentionShape& shape, std::int64_t fair, std::int64_t room) {
    std::int64_t used = 0;
    num_tiles_ = 0;
    for (Chunk& chunk : chunks_) {
      const std::int64_t partitions = chunk.partitions.end - chunk.partitions.begin;
      const std::int64_t needed = partitions * chunk.queries * shape.num_heads;
      const std::int64_t stride = std::max<std::int64_t>(1, fair / (chunk.queries * shape.group()));
      chunk.splits = 1;
      chunk.stride = partitions;
      chunk.partials = -1;
      if (stride < partitions && used + needed <= room) {
        chunk.stride = stride;
        chunk.splits = (partitions + stride - 1) / stride;
        chunk.partials = used;
        used += needed;
      }
      chunk.first_tile = num_tiles_;
      num_tiles_ += chunk.splits * shape.layout.num_kv_heads;
    }
  }

  std::vector<Chunk> chunks_;
  std::int64_t num_tiles_ = 0;
};

}  // namespace penstock
