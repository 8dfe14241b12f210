// What one core can do at most: products of bf16 (of float where it has none), and reading memory.
#include <time.h>

#include <cstdint>

#include "simd.hpp"

using namespace penstock;

static double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

extern "C" double peak_gflops(std::int64_t rounds) {
  constexpr int CHAINS = 16;
  f32x16 sums[CHAINS] = {};
  const double start = seconds();
#if defined(__AVX512BF16__)
  constexpr double FLOPS = 64;
  __m512bh a = (__m512bh)_mm512_set1_epi32(0), b = a;
  for (std::int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; c++) sums[c] = (f32x16)_mm512_dpbf16_ps((__m512)sums[c], a, b);
    asm volatile("" : "+v"(a), "+v"(b));
  }
#else
  constexpr double FLOPS = 32;
  f32x16 a = {}, b = {};
  for (std::int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS; c++) sums[c] += a * b;
    asm volatile("" : "+m"(a), "+m"(b));
  }
#endif
  const double took = seconds() - start;
  for (auto& each : sums) asm volatile("" ::"m"(each));
  return rounds * CHAINS * FLOPS / took / 1e9;
}

extern "C" double read_gbs(const float* from, std::int64_t count) {
  f32x16 sums[8] = {};
  const double start = seconds();
  for (std::int64_t i = 0; i + 8 * LANES <= count; i += 8 * LANES) {
    __builtin_prefetch(from + i + 1024);
    __builtin_prefetch(from + i + 1024 + 4 * LANES);
#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) sums[c] += load(from + i + c * LANES);
  }
  const double took = seconds() - start;
  for (auto& each : sums) asm volatile("" ::"m"(each));
  return count * sizeof(float) / took / 1e9;
}
