// Which of sixteen floats are wanted, and moving those together. Knows no kernel.
//
// What AVX-512 does in an instruction has a plain twin here for other machines.
#pragma once

#include "intrinsics.hpp"
#include "simd.hpp"

namespace penstock {

constexpr int DOUBLES = LANES / 2;
typedef double f64x8 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32)));

// One bit per lane, the lowest for the first.
typedef std::uint32_t Lanes;

inline i32x16 load_ids(const std::int32_t* from) { return load_as<i32x16>(from); }

// The lanes where a comparison held: `lanes_of(a > b)`.
inline Lanes lanes_of(i32x16 truth) {
#if defined(__AVX512F__)
  Lanes lanes = _mm512_cmplt_epi32_mask((__m512i)truth, _mm512_setzero_si512());
  asm("" : "+r"(lanes));  // else GCC 12 may keep it in memory as 16 bits and read 32
  return lanes;
#else
  Lanes lanes = 0;
  for (int i = 0; i < LANES; i++) lanes |= Lanes(truth[i] & 1) << i;
  return lanes;
#endif
}

// Moves the named lanes to the front of `to`, in order; what follows them in the sixteen places is garbage.
template <class V, class T>
inline void store_packed(T* to, V v, Lanes lanes) {
#if defined(__AVX512F__)
  store_as(to, (V)_mm512_maskz_compress_epi32(static_cast<__mmask16>(lanes), (__m512i)v));
#else
  for (int i = 0, next = 0; i < LANES; i++) {
    to[next] = v[i];
    next += lanes >> i & 1;
  }
#endif
}

// The sum in double, always in the same order.
inline f64x8 add_wide(f64x8 sums, f32x16 v) {
  f32x8 halves[2];
  std::memcpy(halves, &v, sizeof v);
  return (sums + __builtin_convertvector(halves[0], f64x8)) + __builtin_convertvector(halves[1], f64x8);
}
inline double sum(f64x8 v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

}  // namespace penstock
