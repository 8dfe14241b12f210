// Which experts each token goes to, and how much each of them counts. Knows logits, no experts' weights.
//
// A token's choice depends on its own logits alone: its weights are softmax's over all experts, summed in one order.
#include <limits>

#include "op.hpp"
#include "simd.hpp"

namespace penstock {

namespace {

constexpr std::int64_t TOKENS_PER_TILE = 8;

// The largest first, of equals the one with the lower number. A NaN is larger than nothing, so ids are valid whatever comes.
void take_largest(const float* logits, int count, int chosen, float* values, std::int32_t* ids) {
  for (int id = 0, taken = 0; id < count; id++) {
    if (taken == chosen && !(logits[id] > values[taken - 1])) continue;
    int place = taken < chosen ? taken++ : taken - 1;
    for (; place > 0 && logits[id] > values[place - 1]; place--) {
      values[place] = values[place - 1];
      ids[place] = ids[place - 1];
    }
    values[place] = logits[id];
    ids[place] = id;
  }
}

// The first `count` lanes; the others are of no weight.
inline f32x16 load_logits(const float* from, int count) {
  float lanes[LANES];
  store(lanes, splat(-std::numeric_limits<float>::infinity()));
  std::memcpy(lanes, from, sizeof(float) * count);
  return load(lanes);
}

inline int some(int rest) { return rest < LANES ? rest : LANES; }

inline float softmax_total(const float* logits, int count, float largest) {
  f32x16 total = {};
  for (int first = 0; first < count; first += LANES)
    total += exp(load_logits(logits + first, some(count - first)) - largest);
  return sum(total);
}

// From logits to weights, in place.
inline void weigh(float* values, int count, float largest, float total) {
  for (int first = 0; first < count; first += LANES) {
    const int few = some(count - first);
    store_some(values + first, exp(load_logits(values + first, few) - largest) / total, few);
  }
}

inline void make_total_one(float* weights, int count) {
  float total = 0;
  for (int k = 0; k < count; k++) total += weights[k];
  for (int k = 0; k < count; k++) weights[k] /= total;
}

class Route : public Op {
 public:
  Route(const float* logits, std::int64_t stride, std::int64_t experts, std::int64_t chosen, bool normalizes,
        float* weights, std::int32_t* ids, float* shared)
      : logits_(logits), stride_(stride), experts_(int(experts)), chosen_(int(chosen)), normalizes_(normalizes),
        weights_(weights), ids_(ids), shared_(shared) {}

  void run(const Step& step, Member& member) override {
    member.each_row(step.num_tokens, TOKENS_PER_TILE, [&](std::int64_t token) { route(token); });
  }

 private:
  void route(std::int64_t token) const {
    const float* logits = logits_ + token * stride_;
    float* weights = weights_ + token * chosen_;
    take_largest(logits, experts_, chosen_, weights, ids_ + token * chosen_);
    const float largest = weights[0];
    weigh(weights, chosen_, largest, softmax_total(logits, experts_, largest));
    if (normalizes_) make_total_one(weights, chosen_);
    if (shared_) shared_[token] = (1.0f / (1.0f + exp(splat(-logits[experts_]))))[0];
  }

  const float* logits_;
  std::int64_t stride_;
  int experts_;
  int chosen_;
  bool normalizes_;
  float* weights_;
  std::int32_t* ids_;
  float* shared_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// logits float [T, stride]: of the experts, then that of the gate of the one for all, if shared is not null. 1 <= chosen <= experts.
// weights and ids [T, chosen], the likeliest first; shared float [T], how much the one for all counts.
Op* penstock_route(const float* logits, std::int64_t stride, std::int64_t experts, std::int64_t chosen,
                   std::int64_t normalizes, float* weights, std::int32_t* ids, float* shared) {
  return new Route(logits, stride, experts, chosen, normalizes, weights, ids, shared);
}
}
