// Turns queries and keys by their positions and puts keys and values into the cache. Knows no attention.
//
// Reads the fused projection in float and rounds once, at the end; with norms it also rounds where the norm does.
#include "kv_layout.hpp"
#include "op.hpp"
#include "rms_norm.hpp"
#include "simd.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 4;
constexpr std::int64_t MAX_HEAD_DIM = 1024;

inline f32x16 load_upto(const float* from, std::int64_t count) {
  return count >= LANES ? load(from) : load_some(from, static_cast<int>(count));
}
template <class T>
inline void store_upto(T* to, f32x16 v, std::int64_t count) {
  count >= LANES ? store(to, v) : store_some(to, v, static_cast<int>(count));
}

// Entry i turns with entry i + half; those after 2 * half pass.
template <class T>
void turn(const float* x, const float* cos, const float* sin, std::int64_t half, std::int64_t width, T* out) {
  for (std::int64_t i = 0; i < half; i += LANES) {
    const std::int64_t left = half - i;
    const f32x16 first = load_upto(x + i, left), second = load_upto(x + half + i, left);
    const f32x16 c = load_upto(cos + i, left), s = load_upto(sin + i, left);
    store_upto(out + i, first * c - second * s, left);
    store_upto(out + half + i, second * c + first * s, left);
  }
  for (std::int64_t i = 2 * half; i < width; i += LANES) store_upto(out + i, load_upto(x + i, width - i), width - i);
}

// One token's key, into column `slot` of its page.
template <class T>
void put_key(const T* key, std::int64_t head_dim, T* page, std::int64_t slot) {
  for (std::int64_t i = 0; i < head_dim / PER_WORD<T>; i++)
    words(page)[i * PAGE + slot] = load_as<Word<T>>(key + i * PER_WORD<T>);
}

// A token's value. `next` is that of the token after it, or null if this step does not have it; the token before it
// is `paired` with it if it is of this step. Two tokens share words, so the first of a pair writes both halves: the
// other's is zero until it comes, since what lay there before may be NaN.
void put_value(const float* value, const float* next, bool paired, std::int64_t head_dim, bf16* page, std::int64_t slot,
               std::int64_t width) {
  const bool is_second = slot % 2;
  if (is_second && paired) return;
  std::uint32_t* to = words(page) + slot / 2 * width;
  for (std::int64_t i = 0; i < head_dim; i += LANES) {
    const std::int64_t left = head_dim - i;
    const u32x16 own = __builtin_convertvector(narrow(load_upto(value + i, left)), u32x16);
    u32x16 other = {};
    if (is_second) {
      other = load_as<u32x16>(to + i) & 0xffffu;
    } else if (next) {
      other = __builtin_convertvector(narrow(load_upto(next + i, left)), u32x16);
    }
    store_as(to + i, is_second ? other | own << 16 : own | other << 16);
  }
}

void put_value(const float* value, const float*, bool, std::int64_t head_dim, float* page, std::int64_t slot,
               std::int64_t width) {
  std::memcpy(page + slot * width, value, sizeof(float) * head_dim);
}

template <class T>
class RopeStore : public Op {
 public:
  RopeStore(const float* qkv, const float* cos, const float* sin, std::int64_t half, const T* q_norm, const T* k_norm,
            float eps, T* q, T* cache, std::int64_t num_heads, KvLayout layout)
      : qkv_(qkv), cos_(cos), sin_(sin), half_(half), q_norm_(q_norm), k_norm_(k_norm), eps_(eps), q_(q),
        cache_(cache), num_heads_(num_heads), layout_(layout) {}

  void run(const Step& step, Member& member) override {
    member.each_row(step.num_tokens, TOKENS_PER_TILE, [&](std::int64_t token) {
      turn_queries(step, token);
      store_pages(step, token);
    });
  }

 private:
  std::int64_t stride() const { return (num_heads_ + 2 * layout_.num_kv_heads) * layout_.head_dim; }

  void head(const float* x, const T* norm, std::int64_t position, T* out) const {
    float normed[MAX_HEAD_DIM];
    if (norm) {
      rms_norm(x, norm, normed, layout_.head_dim, eps_);
      x = normed;
    }
    turn(x, cos_ + position * half_, sin_ + position * half_, half_, layout_.head_dim, out);
  }

  void turn_queries(const Step& step, std::int64_t token) const {
    const std::int64_t dim = layout_.head_dim;
    for (std::int64_t h = 0; h < num_heads_; h++)
      head(qkv_ + token * stride() + h * dim, q_norm_, step.positions[token], q_ + (token * num_heads_ + h) * dim);
  }

  void store_pages(const Step& step, std::int64_t token) const {
    const std::int64_t dim = layout_.head_dim, row = step.token_rows[token], position = step.positions[token];
    const bool paired = token > step.first_tokens[row];
    const bool has_next = token + 1 < step.first_tokens[row] + step.query_lens[row];
    const std::int32_t* table = step.block_tables + row * step.table_stride;
    const float* keys = qkv_ + token * stride() + num_heads_ * dim;
    const float* values = keys + layout_.num_kv_heads * dim;
    for (std::int64_t g = 0; g < layout_.num_kv_heads; g++) {
      T* page = layout_.page(cache_, table, position, g);
      T key[MAX_HEAD_DIM];
      head(keys + g * dim, k_norm_, position, key);
      put_key(key, dim, page, position % PAGE);
      const float* value = values + g * dim;
      put_value(value, has_next ? value + stride() : nullptr, paired, dim, page + layout_.key_size(), position % PAGE,
                layout_.width());
    }
  }

  const float *qkv_, *cos_, *sin_;
  std::int64_t half_;
  const T *q_norm_, *k_norm_;
  float eps_;
  T *q_, *cache_;
  std::int64_t num_heads_;
  KvLayout layout_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// qkv float [T, (H + 2G) * D]; cos and sin float [positions, half]; q_norm and k_norm [D] or both null; writes
// q [T, H, D] and the cache.
Op* penstock_rope_store_bf16(const float* qkv, const float* cos, const float* sin, std::int64_t half,
                             const bf16* q_norm, const bf16* k_norm, float eps, bf16* q, bf16* cache,
                             std::int64_t num_heads, std::int64_t num_kv_heads, std::int64_t head_dim,
                             std::int64_t block_size) {
  const KvLayout layout{num_kv_heads, head_dim, block_size};
  return new RopeStore<bf16>(qkv, cos, sin, half, q_norm, k_norm, eps, q, cache, num_heads, layout);
}
Op* penstock_rope_store_f32(const float* qkv, const float* cos, const float* sin, std::int64_t half,
                            const float* q_norm, const float* k_norm, float eps, float* q, float* cache,
                            std::int64_t num_heads, std::int64_t num_kv_heads, std::int64_t head_dim,
                            std::int64_t block_size) {
  const KvLayout layout{num_kv_heads, head_dim, block_size};
  return new RopeStore<float>(qkv, cos, sin, half, q_norm, k_norm, eps, q, cache, num_heads, layout);
}
}
