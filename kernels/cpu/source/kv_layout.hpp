// How keys and values lie in the paged cache. Knows no attention and no tokens but their slots.
//
// A block is one or more pages of 16 tokens; a page holds, for each KV head, its keys and then its values:
//
//            keys                    values
//   bf16     [D / 2][16 tokens][2]   [8 pairs of tokens][W][2]
//   float    [D][16 tokens]          [16 tokens][W]
//
// W is D rounded up to 16. A word is what one multiplication takes from a row at once: two bf16, or one float. So a
// register of 16 words holds 16 tokens' share of a key's word, or 16 columns of the values of a word's tokens.
#pragma once

#include "op.hpp"
#include "simd.hpp"

namespace penstock {

constexpr int PAGE = 16;  // tokens

template <class T>
struct WordOf;
template <>
struct WordOf<bf16> {
  using type = std::uint32_t;
};
template <>
struct WordOf<float> {
  using type = float;
};
template <class T>
using Word = typename WordOf<T>::type;
template <class T>
constexpr int PER_WORD = sizeof(Word<T>) / sizeof(T);

template <class T>
inline Word<T>* words(T* of) {
  return reinterpret_cast<Word<T>*>(of);
}
template <class T>
inline const Word<T>* words(const T* of) {
  return reinterpret_cast<const Word<T>*>(of);
}

struct KvLayout {
  std::int64_t num_kv_heads;
  std::int64_t head_dim;
  std::int64_t block_size;  // tokens, a multiple of PAGE

  std::int64_t width() const { return (head_dim + LANES - 1) / LANES * LANES; }
  std::int64_t key_size() const { return head_dim * PAGE; }
  std::int64_t head_size() const { return (head_dim + width()) * PAGE; }
  std::int64_t page_size() const { return num_kv_heads * head_size(); }

  // The keys of `head` in the page that holds `position`; its values follow after key_size() elements.
  template <class T>
  T* page(T* cache, const std::int32_t* block_table, std::int64_t position, std::int64_t head) const {
    const std::int64_t block = block_table[position / block_size];
    const std::int64_t page = block * (block_size / PAGE) + position % block_size / PAGE;
    return cache + page * page_size() + head * head_size();
  }
};

}  // namespace penstock
