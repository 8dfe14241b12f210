// What one core of this machine can do at most: reading memory, and products of bf16 and of bytes. Knows no kernel.
//
// Built by cpu_linear.py. A machine without the instructions says zero.
#include <immintrin.h>

#include <cstdint>

extern "C" {

// Reads `count` 64-byte lines.
double ceiling_read(const char* from, std::int64_t count) {
#if defined(__AVX512F__)
  __m512i sums[4] = {};
  for (std::int64_t i = 0; i + 4 <= count; i += 4)
    for (int j = 0; j < 4; j++) {
      __builtin_prefetch(from + (i + j) * 64 + 2048);
      sums[j] = _mm512_xor_si512(sums[j], _mm512_loadu_si512(from + (i + j) * 64));
    }
  const __m512i all = _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  return double(_mm512_reduce_add_epi64(all) & 1);
#else
  std::uint64_t sums[8] = {};
  const auto* words = reinterpret_cast<const std::uint64_t*>(from);
  for (std::int64_t i = 0; i < count; i++)
    for (int j = 0; j < 8; j++) sums[j] ^= words[i * 8 + j];
  std::uint64_t all = 0;
  for (std::uint64_t sum : sums) all ^= sum;
  return double(all & 1);
#endif
}

constexpr int CHAINS = 16;

// `count` rounds; returns operations in each (a multiplication and an addition are two), zero where there is no instruction.
std::int64_t ceiling_bf16(std::int64_t count, float* out) {
#if defined(__AVX512BF16__)
  __m512 sums[CHAINS];
  for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_set1_ps(float(j));
  __m512bh left = (__m512bh)_mm512_set1_epi32(int(count)), right = left;
  for (std::int64_t i = 0; i < count; i++) {
    asm volatile("" : "+v"(left), "+v"(right));
#pragma GCC unroll 16
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_dpbf16_ps(sums[j], left, right);
  }
  for (const __m512& sum : sums) *out += _mm512_reduce_add_ps(sum);
  return CHAINS * 64;
#else
  return 0 * (count + std::int64_t(*out));
#endif
}

std::int64_t ceiling_int8(std::int64_t count, float* out) {
#if defined(__AVX512VNNI__)
  __m512i sums[CHAINS];
  for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_set1_epi32(j);
  __m512i left = _mm512_set1_epi32(int(count)), right = left;
  for (std::int64_t i = 0; i < count; i++) {
    asm volatile("" : "+v"(left), "+v"(right));
#pragma GCC unroll 16
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], left, right);
  }
  for (const __m512i& sum : sums) *out += float(_mm512_reduce_add_epi32(sum));
  return CHAINS * 128;
#else
  return 0 * (count + std::int64_t(*out));
#endif
}
}
