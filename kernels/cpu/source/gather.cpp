// Copies each token's row to where its experts will read it. Knows bytes, not what they mean.
#include <cstring>

#include "op.hpp"

namespace penstock {

namespace {

constexpr std::int64_t ROWS_PER_TILE = 8;

class Gather : public Op {
 public:
  Gather(const std::int32_t* tokens, std::int64_t chosen, const std::uint8_t* x, std::uint8_t* out, std::int64_t row_bytes)
      : tokens_(tokens), chosen_(chosen), x_(x), out_(out), row_bytes_(row_bytes) {}

  void run(const Step& step, Member& member) override {
    member.each_row(step.num_tokens * chosen_, ROWS_PER_TILE, [&](std::int64_t row) {
      std::memcpy(out_ + row * row_bytes_, x_ + tokens_[row] * row_bytes_, row_bytes_);
    });
  }

 private:
  const std::int32_t* tokens_;
  std::int64_t chosen_;
  const std::uint8_t* x_;
  std::uint8_t* out_;
  std::int64_t row_bytes_;
};

}  // namespace

}  // namespace penstock

using namespace penstock;

extern "C" {
// tokens [T * chosen]: of which token each row of out is a copy; x [T] and out [T * chosen] of row_bytes.
Op* penstock_gather(const std::int32_t* tokens, std::int64_t chosen, const std::uint8_t* x, std::uint8_t* out,
                    std::int64_t row_bytes) {
  return new Gather(tokens, chosen, x, out, row_bytes);
}
}
