// Quantizes rows of a matrix into panels. Knows rounding, not models.
//
// Sixteen rows are turned so that a register holds one value of k for each of them: scales are then searched for, and
// values rounded, for sixteen columns at a time, and no sum crosses lanes.
#include <utility>

#include "panels.hpp"
#include "quantize_row.hpp"
#include "quantized.hpp"
#include "team.hpp"

namespace penstock {

namespace {

// One value of k for each of sixteen columns.
typedef f32x16 Turned[GROUP];

template <int STEP, int... LANE>
inline void exchange(f32x16& a, f32x16& b, std::integer_sequence<int, LANE...>) {
  const f32x16 low = __builtin_shufflevector(a, b, ((LANE & STEP) ? LANES + LANE - STEP : LANE)...);
  b = __builtin_shufflevector(a, b, ((LANE & STEP) ? LANES + LANE : LANE + STEP)...);
  a = low;
}

template <int STEP>
inline void turn_step(f32x16* rows) {
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++)
    if (!(i & STEP)) exchange<STEP>(rows[i], rows[i + STEP], std::make_integer_sequence<int, LANES>{});
}

inline void transpose(f32x16* rows) {
  turn_step<1>(rows);
  turn_step<2>(rows);
  turn_step<4>(rows);
  turn_step<8>(rows);
}

// Rows that are null read as zeros.
template <class T>
inline void load_turned(const T* const* rows, std::int64_t first, Turned& turned) {
  constexpr int AHEAD = 8 * GROUP;
  for (int half = 0; half < GROUP; half += LANES) {
    for (int row = 0; row < LANES; row++) {
      turned[half + row] = rows[row] ? load(rows[row] + first + half) : f32x16{};
      if (rows[row]) __builtin_prefetch(rows[row] + first + half + AHEAD);
    }
    transpose(turned + half);
  }
}

// The scale as it will be read back, zero where its inverse would not be finite, NaN where a value is not.
inline f32x16 storable(f32x16 scale, f32x16 poison) {
  scale = absolute(scale) < LEAST_SCALE ? splat(0.0f) : scale;
  return (f32x16)(__builtin_convertvector(narrow(scale + poison), u32x16) << 16);
}

struct Extremes {
  f32x16 largest = {};  // of the greatest magnitude, with its sign
  f32x16 poison = {};   // NaN where any value is not finite
};

inline Extremes extremes(const Turned& values) {
  Extremes found;
  for (const f32x16& value : values) {
    found.largest = absolute(value) > absolute(found.largest) ? value : found.largest;
    found.poison += value * 0.0f;
  }
  return found;
}

inline f32x16 scales(Int8, const Turned& values) {
  const Extremes found = extremes(values);
  return storable(absolute(found.largest) / 127.0f, found.poison);
}

// Rounds with each of several steps and keeps the one that leaves the least squared error. For given integers q the best scale
// is (values . q) / (q . q), and what it takes off the squares is (values . q)^2 / (q . q).
inline f32x16 scales(Int4, const Turned& values) {
  constexpr int CANDIDATES = 8;
  const Extremes found = extremes(values);
  const f32x16 inverse = absolute(found.largest) < LEAST_SCALE ? splat(0.0f) : 1.0f / found.largest;
  f32x16 best = {}, best_score = {};
  for (int i = 0; i < CANDIDATES; i++) {
    const f32x16 step = inverse * -(7.0f + 0.4f * i);  // the largest becomes -7 to -8, or is cut off there
    f32x16 products = {}, squares = {};
    for (const f32x16& value : values) {
      f32x16 q = __builtin_convertvector(nearest(value * step), f32x16);
      q = q > 7.0f ? splat(7.0f) : q;
      q = q < -8.0f ? splat(-8.0f) : q;
      products += value * inverse * q;
      squares += q * q;
    }
    const f32x16 score = products * products / squares;
    best = score > best_score ? found.largest * (products / squares) : best;
    best_score = max(score, best_score);
  }
  return storable(best, found.poison);
}

// Four values of k as the bytes of a lane, offsets added.
template <class Format>
inline u32x16 quad_of(const f32x16* values, f32x16 inverse) {
  constexpr int OFFSET = 1 << Format::OFFSET_SHIFT;
  constexpr float MOST = OFFSET - 1, LEAST = Format::BITS == 8 ? -MOST : -MOST - 1;
  u32x16 quad = {};
  for (int k = 0; k < 4; k++) {
    f32x16 value = values[k] * inverse;
    value = value > MOST ? splat(MOST) : value;
    value = value < LEAST ? splat(LEAST) : value;
    quad |= (u32x16)(nearest(value) + OFFSET) % (2u * OFFSET) << 8 * k;  // a NaN's integer may be any
  }
  return quad;
}

inline void store_quads(Int8, const Turned& values, f32x16 inverse, std::uint8_t* to) {
  for (int k = 0; k < GROUP; k += 4, to += QUAD_BYTES) store_as(to, quad_of<Int8>(values + k, inverse));
}

inline void store_quads(Int4, const Turned& values, f32x16 inverse, std::uint8_t* to) {
  for (int k = 0; k < GROUP; k += 8, to += QUAD_BYTES)
    store_as(to, quad_of<Int4>(values + k, inverse) | quad_of<Int4>(values + k + 4, inverse) << 4);
}

// Sixteen columns of a group; `half` is 0 for the left ones. Returns their scales.
template <class Format, class T>
inline u32x16 pack_half(const T* const* rows, std::int64_t first, std::uint8_t* quads, int half) {
  Turned values;
  load_turned(rows + half * LANES, first, values);
  const f32x16 scale = scales(Format{}, values);
  const f32x16 inverse = absolute(scale) > 0.0f ? 1.0f / scale : splat(0.0f);
  store_quads(Format{}, values, inverse, quads + half * (QUAD_BYTES / 2));
  return (u32x16)scale;
}

template <class Format, class T>
void pack(Team& team, const T* const* rows, std::int64_t columns, std::int64_t depth, std::uint8_t* packed) {
  team.run([&](Member& member) {
    member.each_tile(panels_of(columns), [&](std::int64_t panel) {
      std::uint8_t* to = packed + panel * (depth / GROUP) * GROUP_BYTES<Format>;
      for (std::int64_t first = 0; first < depth; first += GROUP, to += GROUP_BYTES<Format>) {
        const u32x16 left = pack_half<Format>(rows + panel * PANEL, first, to + SCALES_BYTES, 0);
        const u32x16 right = pack_half<Format>(rows + panel * PANEL, first, to + SCALES_BYTES, 1);
        store_as(to, left >> 16 | right);
      }
    });
  });
}

}  // namespace

}  // namespace penstock

using namespace penstock;

// rows: for each packed column, of which there are whole panels, where its depth values lie, or null for zeros.
#define PACK(FORMAT_NAME, FORMAT, NAME, T)                                                                            \
  void penstock_quant_pack_##FORMAT_NAME##_##NAME(Team* team, const T* const* rows, std::int64_t columns,             \
                                                  std::int64_t depth, std::uint8_t* packed) {                         \
    pack<FORMAT>(*team, rows, columns, depth, packed);                                                                \
  }

extern "C" {
PACK(int8, Int8, bf16, bf16)
PACK(int8, Int8, f32, float)
PACK(int4, Int4, bf16, bf16)
PACK(int4, Int4, f32, float)
}
