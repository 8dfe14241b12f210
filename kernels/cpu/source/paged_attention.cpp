// Causal attention over the paged cache, for any mix of rows. Knows tiles and threads; the sums are attention_tile's.
#include <algorithm>
#include <atomic>
#include <vector>

#include "attention_plan.hpp"
#include "attention_tile.hpp"
#include "kv_layout.hpp"
#include "op.hpp"

namespace penstock {

namespace {

// Aligned for whole registers.
class Floats {
 public:
  float* at_least(std::int64_t count) {
    const std::size_t needed = (count + LANES - 1) / LANES;
    if (registers_.size() < needed) registers_.resize(needed);
    return reinterpret_cast<float*>(registers_.data());
  }

 private:
  std::vector<f32x16> registers_;
};

// What one thread keeps from tile to tile and from step to step, so that a step allocates nothing.
struct Workspace {
  AttentionPlan plan;
  std::vector<Span> seen;  // [rows], of the context
  Floats q, partials, totals;
};

Workspace& workspace() {
  thread_local Workspace of_this_thread;
  return of_this_thread;
}

// One tile, while it is computed.
template <class T>
struct Tile {
  const Chunk& chunk;
  std::int64_t kv_head, split;
  Span partitions;
  const T* q;  // of the chunk's first token and the group's first head
  const std::int32_t* table;
};

template <class T>
class PagedAttention : public Op {
 public:
  PagedAttention(const T* q, const T* cache, T* out, AttentionShape shape, float scale, float* scratch,
                 std::int64_t scratch_partials)
      : q_(q), cache_(cache), out_(out), shape_(shape), scale_(scale * 1.44269504088896341f), scratch_(scratch),
        scratch_partials_(scratch_partials), arrivals_(scratch_partials) {}

  void run(const Step& step, Member& member) override {
    Workspace& space = workspace();
    space.plan.make(step, shape_, member.size(), scratch_partials_);
    member.each_tile(space.plan.num_tiles(), [&](std::int64_t index) {
      const Chunk& chunk = space.plan.of(index);
      const std::int64_t groups = shape_.layout.num_kv_heads, place = index - chunk.first_tile;
      const std::int64_t split = place / groups, kv_head = place % groups;
      const std::int64_t begin = chunk.partitions.begin + split * chunk.stride;
      const Tile<T> tile{chunk, kv_head, split, {begin, std::min(begin + chunk.stride, chunk.partitions.end)},
                         q_ + (chunk.token * shape_.num_heads + kv_head * shape_.group()) * shape_.layout.head_dim,
                         step.block_tables + chunk.row * step.table_stride};
      compute(tile, space);
    });
  }

 private:
  std::int64_t rows(const Chunk& chunk) const { return chunk.queries * shape_.group(); }

  void compute(const Tile<T>& tile, Workspace& space) {
    const std::int64_t count = rows(tile.chunk), width = shape_.layout.width();
    Word<T>* q = pack(tile, space);
    float* totals = space.totals.at_least(count * Partial::floats(width));
    const bool whole = tile.chunk.partials < 0;
    for (std::int64_t r = 0; r < count; r++) partial_at(totals, r, width).max = NOTHING;
    for (std::int64_t p = tile.partitions.begin; p < tile.partitions.end; p++) {
      float* parts = whole ? space.partials.at_least(count * Partial::floats(width)) : shared(tile, p);
      attend_partition(tile, p, q, space, parts);
      for (std::int64_t r = 0; whole && r < count; r++)
        fold(partial_at(totals, r, width), partial_at(parts, r, width), width);
    }
    if (whole)
      write(tile, totals);
    else if (is_last(tile))
      merge(tile, totals);
  }

  // Blocks of up to ROWS rows, each [words][rows of the block].
  Word<T>* pack(const Tile<T>& tile, Workspace& space) const {
    const std::int64_t count = rows(tile.chunk), group = shape_.group(), dim = shape_.layout.head_dim;
    const std::int64_t num_words = dim / PER_WORD<T>;
    Word<T>* packed = reinterpret_cast<Word<T>*>(space.q.at_least(count * num_words));
    space.seen.resize(count);
    for (std::int64_t r = 0; r < count; r++) {
      const std::int64_t query = r / group, first = r / ROWS * ROWS, many = std::min<std::int64_t>(ROWS, count - first);
      space.seen[r] = shape_.seen(tile.chunk.position + query);
      const Word<T>* from = words(tile.q + query * shape_.num_heads * dim + r % group * dim);
      Word<T>* to = packed + first * num_words + r - first;
      for (std::int64_t i = 0; i < num_words; i++) to[i * many] = from[i];
    }
    return packed;
  }

  void attend_partition(const Tile<T>& tile, std::int64_t partition, const Word<T>* q, Workspace& space,
                        float* parts) const {
    const std::int64_t start = partition * PARTITION, count = rows(tile.chunk), width = shape_.layout.width();
    const std::int64_t num_words = shape_.layout.head_dim / PER_WORD<T>;
    Pages<T> pages{};
    find(tile, partition, space, pages.at);
    std::copy(pages.at, pages.at + PAGES, pages.next);
    if (partition + 1 < tile.partitions.end) find(tile, partition + 1, space, pages.next);
    for (std::int64_t first = 0; first < count; first += ROWS) {
      const int many = static_cast<int>(std::min<std::int64_t>(ROWS, count - first));
      Span seen[ROWS];
      for (int r = 0; r < many; r++)
        seen[r] = {std::max(space.seen[first + r].begin, start) - start,
                   std::min(space.seen[first + r].end, start + PARTITION) - start};
      attend_block(many, q + first * num_words, seen, pages, partial_at(parts, first, width));
      std::copy(pages.at, pages.at + PAGES, pages.next);
      pages.is_fetched = true;
    }
  }

  // Those pages of a partition that any row of the tile sees.
  void find(const Tile<T>& tile, std::int64_t partition, const Workspace& space, const T** pages) const {
    const std::int64_t start = partition * PARTITION;
    // The first row sees the earliest token and the last row the latest.
    const std::int64_t from = std::max(space.seen.front().begin, start);
    const std::int64_t to = std::min(space.seen.back().end, start + PARTITION);
    for (std::int64_t page = (from - start) / PAGE; page * PAGE < to - start; page++)
      pages[page] = shape_.layout.page(cache_, tile.table, start + page * PAGE, tile.kv_head);
  }

  void attend_block(int many, const Word<T>* q, const Span* seen, const Pages<T>& pages, Partial& parts) const {
    using Attend = void (*)(const Word<T>*, const Span*, const Pages<T>&, const KvLayout&, float, Partial&);
    static constexpr Attend ATTEND[ROWS] = {attend<T, 1>, attend<T, 2>, attend<T, 3>, attend<T, 4>,
                                            attend<T, 5>, attend<T, 6>, attend<T, 7>, attend<T, 8>};
    ATTEND[many - 1](q, seen, pages, shape_.layout, scale_, parts);
  }

  // The partials of a split chunk's rows in one partition.
  float* shared(const Tile<T>& tile, std::int64_t partition) const {
    const Chunk& chunk = tile.chunk;
    const std::int64_t partitions = chunk.partitions.end - chunk.partitions.begin;
    const std::int64_t index = tile.kv_head * partitions + partition - chunk.partitions.begin;
    return scratch_ + (chunk.partials + index * rows(chunk)) * Partial::floats(shape_.layout.width());
  }

  // Whether all other tiles of this chunk and head are done; the counter is zero again afterwards.
  bool is_last(const Tile<T>& tile) {
    std::atomic<std::int32_t>& arrived = arrivals_[tile.chunk.partials + tile.kv_head];
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 < tile.chunk.splits) return false;
    arrived.store(0, std::memory_order_relaxed);
    return true;
  }

  void merge(const Tile<T>& tile, float* totals) const {
    const std::int64_t count = rows(tile.chunk), width = shape_.layout.width();
    for (std::int64_t p = tile.chunk.partitions.begin; p < tile.chunk.partitions.end; p++)
      for (std::int64_t r = 0; r < count; r++)
        fold(partial_at(totals, r, width), partial_at(shared(tile, p), r, width), width);
    write(tile, totals);
  }

  void write(const Tile<T>& tile, float* totals) const {
    const std::int64_t group = shape_.group(), dim = shape_.layout.head_dim;
    for (std::int64_t r = 0; r < rows(tile.chunk); r++) {
      const std::int64_t token = tile.chunk.token + r / group, head = tile.kv_head * group + r % group;
      finish(partial_at(totals, r, shape_.layout.width()), dim, out_ + (token * shape_.num_heads + head) * dim);
    }
  }

  const T *q_, *cache_;
  T* out_;
  AttentionShape shape_;
  float scale_;  // of scores in units of log2
  float* scratch_;
  std::int64_t scratch_partials_;
  std::vector<std::atomic<std::int32_t>> arrivals_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// q and out [T, H, D]; window 0 means none; scratch float [partials, 16 + width], which the ops of one program share.
Op* penstock_paged_attention_bf16(const bf16* q, const bf16* cache, bf16* out, std::int64_t num_heads,
                                  std::int64_t num_kv_heads, std::int64_t head_dim, std::int64_t block_size,
                                  std::int64_t window, float scale, float* scratch, std::int64_t partials) {
  const AttentionShape shape{num_heads, window, {num_kv_heads, head_dim, block_size}};
  return new PagedAttention<bf16>(q, cache, out, shape, scale, scratch, partials);
}
Op* penstock_paged_attention_f32(const float* q, const float* cache, float* out, std::int64_t num_heads,
                                 std::int64_t num_kv_heads, std::int64_t head_dim, std::int64_t block_size,
                                 std::int64_t window, float scale, float* scratch, std::int64_t partials) {
  const AttentionShape shape{num_heads, window, {num_kv_heads, head_dim, block_size}};
  return new PagedAttention<float>(q, cache, out, shape, scale, scratch, partials);
}
}
