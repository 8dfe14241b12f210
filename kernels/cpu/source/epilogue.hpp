// What becomes of the sums that a linear's micro-kernel leaves for a few tokens. Knows columns, not how they were summed.
//
// Chosen by a pointer, not by a template: the micro-kernels are many, and are compiled once for all that may follow them.
#pragma once

#include <cstdint>

#include "simd.hpp"

namespace penstock {

#if defined(__AVX512F__)
constexpr int MAX_TOKENS = 14;  // 28 registers of sums, 2 of weights
#else
constexpr int MAX_TOKENS = 2;
#endif

// For each token the sums of a panel's 32 columns.
struct Sums {
  f32x16 left[MAX_TOKENS];
  f32x16 right[MAX_TOKENS];
};

struct Epilogue {
  void* out;
  const float* bias;     // in the order of the packed columns, padded with zeros to whole panels; null is none
  std::int64_t columns;  // of out
  void (*finish)(const Epilogue& self, std::int64_t token, int count, std::int64_t panel, const Sums& sums);

  // Of tokens [token, token + count) and the panel of this number.
  void operator()(std::int64_t token, int count, std::int64_t panel, const Sums& sums) const {
    finish(*this, token, count, panel, sums);
  }
};

// out[token, column] = sum + bias, in the type of out.
Epilogue store_to(bf16* out, const float* bias, std::int64_t columns);
Epilogue store_to(float* out, const float* bias, std::int64_t columns);

// residual[token, column] += sum + bias.
Epilogue add_to(float* residual, const float* bias, std::int64_t columns);

// out[token, column] = silu(gate) * up: the left half of every panel is gates, the right half their ups.
Epilogue gate_up_to(bf16* out, const float* bias, std::int64_t columns);
Epilogue gate_up_to(float* out, const float* bias, std::int64_t columns);

}  // namespace penstock
