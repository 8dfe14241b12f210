// The inner product of rows' 8-bit activations with one quantized panel. Knows registers, not threads.
//
// Within a group the sums are integers, and exact. Across groups every sum is one chain of fused multiply-adds in ascending k,
// whatever the number of tokens beside it, so a sequence's numbers do not depend on its company.
#pragma once

#include "micro_kernel.hpp"
#include "quantized.hpp"

namespace penstock {

#if defined(__AVX512F__)
constexpr int MAX_QUANTIZED_TOKENS = 8;  // 16 registers of integer sums; the float ones wait in the first cache
#else
constexpr int MAX_QUANTIZED_TOKENS = 2;
#endif

// Rows [first, end) of x [rows, groups] with the panel of this number, which lies at `panel`; see quantized.hpp. For Int8 and Int4.
template <class Format>
void multiply_rows_quantized(const QuantizedGroup* x, const std::uint8_t* panel, std::int64_t groups,
                             std::int64_t first, std::int64_t end, std::int64_t number, const Epilogue& finish);

}  // namespace penstock
