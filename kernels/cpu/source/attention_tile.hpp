// Attention of a few rows over one partition of the cache. Knows no block tables, no threads and no step.
//
// A row is one query of one head. A partition is PARTITION tokens from a multiple of it, whoever asks; what a row gets
// from one is a `Partial`. Every sum of a row runs in an order that only the row's own position decides: keys word by
// word, values token by token, partitions by `fold` from the first to the last. Pages and rows that are computed beside
// it only ever add exact zeros; where that cannot be, since a value is not finite, they are left out.
#pragma once

#include <algorithm>
#include <limits>

#include "kv_layout.hpp"
#include "kv_words.hpp"
#include "simd.hpp"

namespace penstock {

constexpr std::int64_t PARTITION = 512;
constexpr int PAGES = PARTITION / PAGE;
constexpr int ROWS = 8;  // of a block, at most
constexpr float NOTHING = -std::numeric_limits<float>::infinity();

// 2^x for x <= 127; zero, or nearly, far below zero.
inline f32x16 exp2(f32x16 x) {
#if defined(__AVX512F__)
  const __mmask16 ALL = 0xffff;  // the unmasked spelling draws a false warning from GCC 12
  const f32x16 n = (f32x16)_mm512_maskz_roundscale_ps(ALL, (__m512)x, _MM_FROUND_TO_NEAREST_INT);
#else
  const float MAGIC = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  x = x < -126.0f ? splat(-126.0f) : x;
  const f32x16 shifted = x + MAGIC, n = shifted - MAGIC;
#endif
  const f32x16 r = x - n;
  f32x16 p = fused(splat(1.3276506060e-3f), r, splat(9.6755408441e-3f));
  p = fused(p, r, splat(5.5507131338e-2f));
  p = fused(p, r, splat(2.4022119732e-1f));
  p = fused(p, r, splat(6.9314696721e-1f));
  p = fused(p, r, splat(1.0f));
#if defined(__AVX512F__)
  return (f32x16)_mm512_maskz_scalef_ps(ALL, (__m512)p, (__m512)n);
#else
  return (f32x16)((i32x16)p + (((i32x16)shifted - (i32x16)splat(MAGIC)) << 23));
#endif
}

// The tokens a row sees, counted from the start of the partition or of the context.
struct Span {
  std::int64_t begin, end;
  bool empty() const { return begin >= end; }
};

// What a row has gathered: sum of 2^(score - max), and of that times the values. `max` is NOTHING before the first.
struct Partial {
  float max, sum;
  float unused[LANES - 2];

  float* values() { return reinterpret_cast<float*>(this + 1); }  // [width]
  static std::int64_t floats(std::int64_t width) { return LANES + width; }
};

inline Partial& partial_at(float* base, std::int64_t index, std::int64_t width) {
  return *reinterpret_cast<Partial*>(base + index * Partial::floats(width));
}

// Adds `part` to `all`. One body for every caller: inlined twice it might round in two ways.
__attribute__((noinline)) inline void fold(Partial& all, Partial& part, std::int64_t width) {
  if (part.max == NOTHING) return;
  if (all.max == NOTHING) {
    std::memcpy(&all, &part, sizeof(float) * Partial::floats(width));
    return;
  }
  const float max = all.max > part.max ? all.max : part.max;
  const f32x16 keep = exp2(splat(all.max - max)), take = exp2(splat(part.max - max));
  const f32x16 sum = fused(splat(all.sum), keep, splat(part.sum) * take);
  for (std::int64_t i = 0; i < width; i += LANES)
    store(all.values() + i, fused(load(all.values() + i), keep, load(part.values() + i) * take));
  all.max = max;
  all.sum = sum[0];
}

template <class T>
__attribute__((noinline)) void finish(Partial& all, std::int64_t head_dim, T* out) {
  const float share = 1.0f / all.sum;
  std::int64_t i = 0;
  for (; i + LANES <= head_dim; i += LANES) store(out + i, load(all.values() + i) * share);
  if (i < head_dim) store_some(out + i, load(all.values() + i) * share, static_cast<int>(head_dim - i));
}

// Weights of one row from its scores, which are in units of log2 once scaled; zero outside of `seen`, which is not
// empty and lies within `pages`. Where the row sees nothing, scores may be anything.
template <class T>
__attribute__((noinline)) void soften(const float* scores, Span seen, Span pages, float scale, T* weights,
                                      Partial& part) {
  i32x16 lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  const auto masked = [&](std::int64_t page, float other, f32x16 v) {
    const int begin = static_cast<int>(seen.begin - page * PAGE), end = static_cast<int>(seen.end - page * PAGE);
    return (lane >= begin) & (lane < end) ? v : splat(other);
  };
  const std::int64_t first = seen.begin / PAGE, last = (seen.end - 1) / PAGE;
  f32x16 high = max(masked(first, NOTHING, load(scores + first * PAGE)),
                    masked(last, NOTHING, load(scores + last * PAGE)));
  for (std::int64_t page = first + 1; page < last; page++) high = max(load(scores + page * PAGE), high);
  part.max = max(high) * scale;

  const auto weight = [&](std::int64_t page) {
    return exp2(fused(load(scores + page * PAGE), splat(scale), splat(-part.max)));
  };
  for (std::int64_t page = pages.begin; page < first; page++) store(weights + page * PAGE, f32x16{});
  f32x16 sums = masked(first, 0.0f, weight(first));
  store(weights + first * PAGE, sums);
  for (std::int64_t page = first + 1; page < last; page++) {
    const f32x16 w = weight(page);
    store(weights + page * PAGE, w);
    sums += w;
  }
  if (last > first) {
    const f32x16 w = masked(last, 0.0f, weight(last));
    store(weights + last * PAGE, w);
    sums += w;
  }
  for (std::int64_t page = last + 1; page < pages.end; page++) store(weights + page * PAGE, f32x16{});
  part.sum = sum(sums);
}

// What to fetch while something else is computed: the memory at the same place of another page, so that it comes
// evenly. Where there is nothing more to fetch the other page is the same one.
template <class T>
inline void fetch(const T* from) {
  __builtin_prefetch(from, 0, 2);
}

// scores[r][c * 16 ...] = row r of q . the keys of pages[c]; fetches what lies `ahead` words after them
template <class T, int R, int C>
void score(const Word<T>* q, std::int64_t num_words, const T* const* pages, std::int64_t ahead, float* scores) {
  const Word<T>* keys[C];
  for (int c = 0; c < C; c++) keys[c] = words(pages[c]);
  f32x16 sums[R][C] = {};
  for (std::int64_t i = 0; i < num_words; i++) {
    decltype(column(keys[0])) columns[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; c++) {
      columns[c] = column(keys[c] + i * PAGE);
      fetch(keys[c] + i * PAGE + ahead);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
      for (int c = 0; c < C; c++) sums[r][c] = add_product(sums[r][c], q[i * R + r], columns[c]);
  }
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) store(scores + r * PARTITION + c * PAGE, sums[r][c]);
}

// out[r][0 ... C * 16] = the weights of row r . these columns of the values of `tokens`, which starts a page; fetches
// the same columns' share of the pages of `next`
template <class T, int R, int C>
void weigh(const T* weights, Span tokens, const T* const* pages, const T* const* next, std::int64_t to_values,
           std::int64_t first, std::int64_t width, float* out) {
  constexpr int PER = PER_WORD<T>;
  f32x16 sums[R][C] = {};
  for (std::int64_t token = tokens.begin; token < tokens.end; token += PAGE) {
    const Word<T>* values = words(pages[token / PAGE] + to_values) + first;
    const Word<T>* ahead = words(next[token / PAGE]) + first;
    const Word<T>* row = words(weights + token);
    const std::int64_t count = (std::min<std::int64_t>(PAGE, tokens.end - token) + PER - 1) / PER;
    for (std::int64_t i = 0; i < count; i++) {
      decltype(column(values)) columns[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; c++) {
        columns[c] = column(values + i * width + c * LANES);
        fetch(ahead + i * width + c * LANES);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) sums[r][c] = add_product(sums[r][c], row[r * (PARTITION / PER) + i], columns[c]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int c = 0; c < C; c++) store(out + r * Partial::floats(width) + first + c * LANES, sums[r][c]);
}

// Whether all of them are numbers.
inline bool is_finite(const float* values, std::int64_t width) {
  f32x16 zeros{};
  for (std::int64_t i = 0; i < width; i += LANES) zeros += load(values + i) * splat(0.0f);
  return sum(zeros) == 0.0f;
}

// One row of `weigh` over those tokens alone that it sees, in the same order: what `weigh` adds beside them is zero
// times a value, which is no zero where the value is not finite. Slow, and rare.
template <class T>
__attribute__((noinline)) void weigh_seen(const T* weights, Span seen, const T* const* pages, std::int64_t to_values,
                                          std::int64_t width, float* out) {
  constexpr int PER = PER_WORD<T>;
  for (std::int64_t at = 0; at < width; at += LANES) {
    f32x16 sums{};
    for (std::int64_t token = seen.begin / PER * PER; token < seen.end; token += PER) {
      const T* from = pages[token / PAGE] + to_values + (token % PAGE / PER * width + at) * PER;
      alignas(64) T values[LANES * PER];
      for (int i = 0; i < LANES * PER; i++) {
        const std::int64_t of = token + i % PER;
        values[i] = of >= seen.begin && of < seen.end ? from[i] : T{};
      }
      sums = add_product(sums, words(weights + token)[0], column(words(values)));
    }
    store(out + at, sums);
  }
}

// The pages of a partition, and of the one after it if it is to be fetched: else those of this one again.
template <class T>
struct Pages {
  const T* at[PAGES];
  const T* next[PAGES];
  bool is_fetched;  // already, by another block of rows
};

// A block of R rows: q [words][R], and what each row sees of the partition.
template <class T, int R>
void attend(const Word<T>* q, const Span* seen, const Pages<T>& pages, const KvLayout& layout, float scale,
            Partial& parts) {
  constexpr int C = R > 4 ? 2 : 4;
  alignas(64) float scores[R * PARTITION];
  alignas(64) T weights[R * PARTITION];
  const std::int64_t width = layout.width(), num_words = layout.head_dim / PER_WORD<T>;
  Span tokens{PARTITION, 0};
  for (int r = 0; r < R; r++) {
    if (seen[r].empty()) continue;
    tokens = {std::min(tokens.begin, seen[r].begin / PAGE * PAGE), std::max(tokens.end, seen[r].end)};
  }
  if (tokens.empty()) tokens = {0, 0};
  const Span needed{tokens.begin / PAGE, (tokens.end + PAGE - 1) / PAGE};
  std::int64_t page = needed.begin;
  const std::int64_t ahead = pages.is_fetched ? 0 : num_words * PAGE;
  for (; page + C <= needed.end; page += C)
    score<T, R, C>(q, num_words, pages.at + page, ahead, scores + page * PAGE);
  for (; page < needed.end; page++) score<T, R, 1>(q, num_words, pages.at + page, ahead, scores + page * PAGE);
  for (int r = 0; r < R; r++) {
    Partial& part = partial_at(&parts.max, r, width);
    part.max = NOTHING;
    if (!seen[r].empty())
      soften(scores + r * PARTITION, seen[r], needed, scale, weights + r * PARTITION, part);
    else
      for (std::int64_t i = needed.begin * PAGE; i < needed.end * PAGE; i++) weights[r * PARTITION + i] = T{};
  }
  const std::int64_t to_values = layout.key_size();
  std::int64_t at = 0;
  for (; at + C * LANES <= width; at += C * LANES)
    weigh<T, R, C>(weights, tokens, pages.at, pages.next, to_values, at, width, parts.values());
  for (; at < width; at += LANES)
    weigh<T, R, 1>(weights, tokens, pages.at, pages.next, to_values, at, width, parts.values());
  for (int r = 0; r < R; r++) {
    float* values = partial_at(&parts.max, r, width).values();
    if (!seen[r].empty() && !is_finite(values, width))
      weigh_seen(weights + r * PARTITION, seen[r], pages.at, to_values, width, values);
  }
}

}  // namespace penstock
