// The ends of a linear, one token and one panel at a time. Knows columns, not how they were summed.
#include "epilogue.hpp"

#include "panels.hpp"

namespace penstock {

namespace {

// Sixteen columns, of which `count` exist: any number, also none.
template <class T>
inline void store_columns(T* to, f32x16 v, std::int64_t count) {
  if (count >= LANES) {
    store(to, v);
  } else if (count > 0) {
    store_some(to, v, int(count));
  }
}

template <class T>
struct Store {
  static void put(T* out, std::int64_t columns, std::int64_t token, std::int64_t panel, f32x16 left, f32x16 right) {
    const std::int64_t column = panel * PANEL, rest = columns - column;
    T* to = out + token * columns + column;
    store_columns(to, left, rest);
    store_columns(to + LANES, right, rest - LANES);
  }
};

struct Add {
  static void put(float* out, std::int64_t columns, std::int64_t token, std::int64_t panel, f32x16 left, f32x16 right) {
    const std::int64_t column = panel * PANEL, rest = columns - column;
    float* to = out + token * columns + column;
    add_columns(to, left, rest);
    add_columns(to + LANES, right, rest - LANES);
  }

 private:
  static void add_columns(float* to, f32x16 v, std::int64_t count) {
    if (count >= LANES) {
      store(to, load(to) + v);
    } else if (count > 0) {
      store_some(to, load_some(to, int(count)) + v, int(count));
    }
  }
};

template <class T>
struct GateUp {
  static void put(T* out, std::int64_t columns, std::int64_t token, std::int64_t panel, f32x16 gate, f32x16 up) {
    const std::int64_t column = panel * LANES;
    store_columns(out + token * columns + column, silu(gate) * up, columns - column);
  }
};

template <class End, class T>
void finish(const Epilogue& self, std::int64_t token, int count, std::int64_t panel, const Sums& sums) {
  const float* bias = self.bias ? self.bias + panel * PANEL : nullptr;
  for (int t = 0; t < count; t++) {
    f32x16 left = sums.left[t], right = sums.right[t];
    if (bias) {
      left += load(bias);
      right += load(bias + LANES);
    }
    End::put(static_cast<T*>(self.out), self.columns, token + t, panel, left, right);
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
