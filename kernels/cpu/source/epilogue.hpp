// What becomes of the 32 sums a linear's micro-kernel leaves for one token. Knows columns, not how they were summed.
//
// Each takes the token, the number of the panel (32 columns of the packed weights) and the sums as two registers. A bias lies in
// the order of the packed columns, padded with zeros to whole panels; null is none.
#pragma once

#include <algorithm>
#include <cstdint>

#include "simd.hpp"

namespace penstock {

constexpr int PANEL = 2 * LANES;

class Bias {
 public:
  explicit Bias(const float* bias) : bias_(bias) {}
  void add(std::int64_t panel, f32x16& left, f32x16& right) const {
    if (!bias_) return;
    left += load(bias_ + panel * PANEL);
    right += load(bias_ + panel * PANEL + LANES);
  }

 private:
  const float* bias_;
};

// out[token, column] = sum + bias, in the type of out.
template <class T>
class Store {
 public:
  Store(T* out, const float* bias, std::int64_t columns) : out_(out), bias_(bias), columns_(columns) {}

  void operator()(std::int64_t token, std::int64_t panel, f32x16 left, f32x16 right) const {
    bias_.add(panel, left, right);
    const std::int64_t column = panel * PANEL, rest = columns_ - column;
    T* to = out_ + token * columns_ + column;
    if (rest >= PANEL) {
      store(to, left);
      store(to + LANES, right);
    } else {
      store_some(to, left, int(std::min<std::int64_t>(rest, LANES)));
      if (rest > LANES) store_some(to + LANES, right, int(rest - LANES));
    }
  }

 private:
  T* out_;
  Bias bias_;
  std::int64_t columns_;
};

// residual[token, column] += sum + bias.
class AddToResidual {
 public:
  AddToResidual(float* residual, const float* bias, std::int64_t columns)
      : residual_(residual), bias_(bias), columns_(columns) {}

  void operator()(std::int64_t token, std::int64_t panel, f32x16 left, f32x16 right) const {
    bias_.add(panel, left, right);
    const std::int64_t column = panel * PANEL, rest = columns_ - column;
    float* to = residual_ + token * columns_ + column;
    if (rest >= PANEL) {
      store(to, load(to) + left);
      store(to + LANES, load(to + LANES) + right);
    } else {
      const int few = int(std::min<std::int64_t>(rest, LANES));
      store_some(to, load_some(to, few) + left, few);
      const int more = int(rest - LANES);
      if (more > 0) store_some(to + LANES, load_some(to + LANES, more) + right, more);
    }
  }

 private:
  float* residual_;
  Bias bias_;
  std::int64_t columns_;
};

// out[token, column] = silu(gate) * up: the left half of every panel is gates, the right half their ups.
template <class T>
class GateUp {
 public:
  GateUp(T* out, const float* bias, std::int64_t columns) : out_(out), bias_(bias), columns_(columns) {}

  void operator()(std::int64_t token, std::int64_t panel, f32x16 gate, f32x16 up) const {
    bias_.add(panel, gate, up);
    const std::int64_t column = panel * LANES, rest = columns_ - column;
    T* to = out_ + token * columns_ + column;
    const f32x16 gated = silu(gate) * up;
    if (rest >= LANES) {
      store(to, gated);
    } else {
      store_some(to, gated, int(rest));
    }
  }

 private:
  T* out_;
  Bias bias_;
  std::int64_t columns_;
};

}  // namespace penstock
