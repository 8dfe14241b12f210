// The ends of a linear, one token and one panel at a time. Knows columns, not how they were summed.
#include "epilogue.hpp"

#include "panels.hpp"

namespace penstock {

namespace {

// The first `count` of sixteen columns, if there are any.
template <class T>
inline void store_columns(T* to, f32x16 v, std::int64_t count) {
  if (count > 0) store_some(to, v, int(count < LANES ? count : LANES));
}

// Each end writes one token's sums of a panel, which become WIDTH columns: all of them, or the first `count`.
template <class T>
struct Store {
  static constexpr int WIDTH = PANEL;
  static void put(T* to, f32x16 left, f32x16 right) {
    store(to, left);
    store(to + LANES, right);
  }
  static void put_some(T* to, f32x16 left, f32x16 right, std::int64_t count) {
    store_columns(to, left, count);
    store_columns(to + LANES, right, count - LANES);
  }
};

struct Add {
  static constexpr int WIDTH = PANEL;
  static void put(float* to, f32x16 left, f32x16 right) {
    store(to, load(to) + left);
    store(to + LANES, load(to + LANES) + right);
  }
  static void put_some(float* to, f32x16 left, f32x16 right, std::int64_t count) {
    for (int i = 0; i < count; i++) to[i] += i < LANES ? left[i] : right[i - LANES];
  }
};

template <class T>
struct GateUp {
  static constexpr int WIDTH = LANES;
  static void put(T* to, f32x16 gate, f32x16 up) { store(to, silu(gate) * up); }
  static void put_some(T* to, f32x16 gate, f32x16 up, std::int64_t count) {
    store_columns(to, silu(gate) * up, count);
  }
};

template <class End, class T>
void finish(const Epilogue& self, std::int64_t token, int count, std::int64_t panel, const Sums& sums) {
  const std::int64_t column = panel * End::WIDTH, rest = self.columns - column;
  const float* bias = self.bias ? self.bias + panel * PANEL : nullptr;
  const f32x16 left = bias ? load(bias) : f32x16{}, right = bias ? load(bias + LANES) : f32x16{};
  T* to = static_cast<T*>(self.out) + token * self.columns + column;
  for (int t = 0; t < count; t++, to += self.columns) {
    if (rest >= End::WIDTH) {
      End::put(to, sums.left[t] + left, sums.right[t] + right);
    } else {
      End::put_some(to, sums.left[t] + left, sums.right[t] + right, rest);
    }
  }
}

}  // namespace

Epilogue store_to(bf16* out, const float* bias, std::int64_t columns) {
  return {out, bias, columns, finish<Store<bf16>, bf16>};
}
Epilogue store_to(float* out, const float* bias, std::int64_t columns) {
  return {out, bias, columns, finish<Store<float>, float>};
}
Epilogue add_to(float* residual, const float* bias, std::int64_t columns) {
  return {residual, bias, columns, finish<Add, float>};
}
Epilogue gate_up_to(bf16* out, const float* bias, std::int64_t columns) {
  return {out, bias, columns, finish<GateUp<bf16>, bf16>};
}
Epilogue gate_up_to(float* out, const float* bias, std::int64_t columns) {
  return {out, bias, columns, finish<GateUp<float>, float>};
}

}  // namespace penstock
