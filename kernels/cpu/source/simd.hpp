// Sixteen floats at a time, on whatever the compiler was told the machine has. Knows no kernel.
//
// The types are the compiler's own vectors: one AVX-512 register, two of AVX2, or four of SSE, from the same source.
// Where an instruction has no spelling in C++ it is named (see intrinsics.hpp), with a plain twin beside it.
#pragma once

#include <cstdint>
#include <cstring>

namespace penstock {

using std::int64_t;

constexpr int LANES = 16;

typedef float f32x16 __attribute__((vector_size(64)));
typedef std::int32_t i32x16 __attribute__((vector_size(64)));
typedef std::uint32_t u32x16 __attribute__((vector_size(64)));
typedef std::uint16_t u16x16 __attribute__((vector_size(32)));

// A bfloat16 as it lies in memory; arithmetic happens in float.
struct bf16 {
  std::uint16_t bits;
};

template <class V, class T>
inline V load_as(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class V, class T>
inline void store_as(T* to, V v) {
  std::memcpy(to, &v, sizeof v);
}

inline f32x16 splat(float x) { return f32x16{} + x; }

inline float widen(bf16 x) {
  std::uint32_t bits = std::uint32_t(x.bits) << 16;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
inline float widen(float x) { return x; }

inline f32x16 load(const float* from) { return load_as<f32x16>(from); }
inline f32x16 load(const bf16* from) {
  return (f32x16)(__builtin_convertvector(load_as<u16x16>(from), u32x16) << 16);
}

// Rounds to nearest, ties to even, as torch does; a NaN stays one.
inline u16x16 narrow(f32x16 v) {
#if defined(__AVX512BF16__) && defined(__AVX512VL__)
  u16x16 rounded;
  asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(v));  // the one instruction that every file wants: without the header
  return rounded;
#else
  u32x16 bits = (u32x16)v;
  u32x16 rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  u32x16 is_nan = (u32x16)(v != v);
  rounded = (rounded & ~is_nan) | (0x7fc0u & is_nan);
  return __builtin_convertvector(rounded, u16x16);
#endif
}

inline void store(float* to, f32x16 v) { store_as(to, v); }
inline void store(bf16* to, f32x16 v) { store_as(to, narrow(v)); }

// The first `count` lanes only, 0 <= count <= 16; the others read as zero and are not written.
template <class T>
inline f32x16 load_some(const T* from, int count) {
  T lanes[LANES] = {};
  std::memcpy(lanes, from, sizeof(T) * count);
  return load(lanes);
}

template <class T>
inline void store_some(T* to, f32x16 v, int count) {
  T lanes[LANES];
  store(lanes, v);
  std::memcpy(to, lanes, sizeof(T) * count);
}

inline f32x16 max(f32x16 a, f32x16 b) { return a > b ? a : b; }

// The upper half of the lanes, of which `width` are in use, over the lower one.
template <int WIDTH>
inline f32x16 upper(f32x16 v) {
  i32x16 lanes;
  for (int i = 0; i < LANES; i++) lanes[i] = (i + WIDTH / 2) % LANES;
  return __builtin_shuffle(v, lanes);
}

// Sums and maxima over lanes always fold the same halves, so the order never varies.
inline float sum(f32x16 v) {
  v += upper<16>(v);
  v += upper<8>(v);
  v += upper<4>(v);
  return (v + upper<2>(v))[0];
}

inline float max(f32x16 v) {
  v = max(v, upper<16>(v));
  v = max(v, upper<8>(v));
  v = max(v, upper<4>(v));
  return max(v, upper<2>(v))[0];
}

// e^x to about 2 units in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for e^r.
// Below -87 it is zero (so -inf is); above 88 it is clamped. A NaN stays one.
inline f32x16 exp(f32x16 x) {
  const float LOG2E = 1.44269504088896341f, LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;
  const float MAGIC = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  f32x16 clamped = x < -87.0f ? splat(-87.0f) : x;
  clamped = clamped > 88.0f ? splat(88.0f) : clamped;
  f32x16 shifted = clamped * LOG2E + MAGIC;
  f32x16 n = shifted - MAGIC;
  f32x16 r = clamped - n * LN2_HIGH - n * LN2_LOW;
  f32x16 p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  i32x16 exponent = ((i32x16)shifted - (i32x16)splat(MAGIC)) << 23;
  f32x16 result = (f32x16)((i32x16)p + exponent);
  result = x < -87.0f ? splat(0.0f) : result;
  return x != x ? x : result;
}

inline f32x16 silu(f32x16 x) { return x / (1.0f + exp(-x)); }

}  // namespace penstock
