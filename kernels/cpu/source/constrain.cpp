// Masks of allowed tokens on logits. Knows bits, not what they mean.
#include "logit_row.hpp"
#include "sampler.hpp"

namespace penstock {
namespace {

constexpr std::int64_t BITS = 32;

// Bit i of the words keeps logit i; all others become -inf.
void constrain(float* logits, std::int64_t size, const std::uint32_t* words) {
  for (std::int64_t first = 0; first < size; first += BITS) {
    const std::uint32_t word = words[first / BITS];
    if (word == 0xffffffffu) continue;
    float* some = logits + first;
    const std::int64_t count = size - first < BITS ? size - first : BITS;
    for (std::int64_t i = 0; i < count; i++) some[i] = (word >> i) & 1 ? some[i] : MINUS_INFINITY;
  }
}

}  // namespace
}  // namespace penstock

using namespace penstock;

extern "C" {
// logits float [.., size], a row every `stride`; words [.., word_stride]; rows and masks [count]: row rows[i] of the
// logits gets mask masks[i]. Rows are different.
void penstock_constrain(Sampler* sampler, float* logits, std::int64_t stride, std::int64_t size,
                        const std::uint32_t* words, std::int64_t word_stride, const std::int64_t* rows,
                        const std::int64_t* masks, std::int64_t count) {
  sampler->each_row(count, size, count * size, [=](std::int64_t i, Scratch&) {
    constrain(logits + rows[i] * stride, size, words + masks[i] * word_stride);
  });
}
}
