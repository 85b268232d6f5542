// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/expression_rows.h"
#include "kernels/expression_steps.h"

namespace geoloom::kernels {
namespace {

constexpr size_t kMostOperands = 5;

// What one step makes of rows of values; `to` may be one of them.
template <class T>
void carry_out(Operation operation, const T* const* operands, size_t pixels, T* to) {
  if (carry_out_row(operation, operands, to)) return;
  const size_t count = steps::operands_of(operation);
  std::array<T, kMostOperands> values;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t k = 0; k < count; ++k) values[k] = operands[k][i];
    to[i] = count == 1   ? steps::of_one(operation, values[0])
            : count == 2 ? steps::of_two(operation, values[0], values[1])
                         : steps::of_several(operation, values.data());
  }
}

// The same where some may be missing.
template <class T>
void carry_out(Operation operation, const T* const* operands, const uint8_t* const* valid,
               size_t pixels, T* to, uint8_t* to_valid) {
  const size_t count = steps::operands_of(operation);
  std::array<Expression::Sample<T>, kMostOperands> samples;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t k = 0; k < count; ++k) samples[k] = {operands[k][i], valid[k][i] != 0};
    const auto result = steps::with_missing<T>(operation, samples.data());
    to[i] = result.value;
    to_valid[i] = result.valid ? 1 : 0;
  }
}

// Operations whose result is missing exactly where one of their operands is.
bool strict(Operation operation) {
  switch (operation) {
    case Operation::is_valid:
    case Operation::is_nan:
    case Operation::is_infinite:
    case Operation::minimum:
    case Operation::maximum:
    case Operation::logical_and:
    case Operation::logical_or:
    case Operation::choose:
      return false;
    default:
      return true;
  }
}

void keep_where_all(const uint8_t* const* valid, size_t operands, size_t pixels, uint8_t* to) {
  if (operands == 1) {
    if (to != valid[0]) std::memcpy(to, valid[0], pixels);
    return;
  }
  keep_where_both(valid[0], valid[1], pixels, to);
  for (size_t k = 2; k < operands; ++k) keep_where_both(to, valid[k], pixels, to);
}

bool all_set(const uint8_t* valid, size_t pixels) {
  return std::memchr(valid, 0, pixels) == nullptr;
}

// The values of an expression for a row of pixels: results of steps lie in rows of its own, samples
// of names where they are, unless the row has fewer pixels than are computed.
template <class T>
class RowStack {
 public:
  explicit RowStack(size_t depth)
      : rows_(std::make_unique<T[]>(depth * kExpressionRow)),
        flags_(std::make_unique<uint8_t[]>(depth * kExpressionRow)),
        values_(depth),
        valid_(depth) {}

  void push_number(double number, bool complete) {
    std::fill_n(row(), kExpressionRow, static_cast<T>(number));
    if (!complete) std::memset(flag(), 1, kExpressionRow);
    push(row(), flag());
  }
  void push_samples(const T* samples, const uint8_t* valid, size_t pixels) {
    if (pixels == kExpressionRow) return push(samples, valid);
    // Beyond the last pixel the row holds whatever was there before, which is computed with and not
    // used.
    std::memcpy(row(), samples, pixels * sizeof(T));
    push(row(), valid);
  }
  // Takes the operands of a step away; they stay readable until the next push.
  void take(size_t operands) { height_ -= operands; }
  const T* const* operands() const { return values_.data() + height_; }
  const uint8_t* const* operand_flags() const { return valid_.data() + height_; }
  T* row() { return rows_.get() + height_ * kExpressionRow; }
  uint8_t* flag() { return flags_.get() + height_ * kExpressionRow; }
  void push(const T* values, const uint8_t* valid) {
    values_[height_] = values;
    valid_[height_] = valid;
    ++height_;
  }

 private:
  std::unique_ptr<T[]> rows_;
  std::unique_ptr<uint8_t[]> flags_;
  std::vector<const T*> values_;
  std::vector<const uint8_t*> valid_;
  size_t height_ = 0;
};

// One row of pixels: results in `out`, what they are worth in stack.operand_flags(). `valid` is
// empty where no sample is missing.
template <class T>
void evaluate_row(std::span<const Expression::Step> sequence, std::span<const T* const> inputs,
                  std::span<const uint8_t* const> valid, size_t first, size_t count,
                  RowStack<T>& stack, T* out) {
  const bool complete = valid.empty();
  for (const auto& step : sequence) {
    if (step.operation == Operation::number) {
      stack.push_number(step.number, complete);
    } else if (step.operation == Operation::name) {
      const uint8_t* const flags = complete ? nullptr : valid[step.name] + first;
      stack.push_samples(inputs[step.name] + first, flags, count);
    } else {
      const size_t operands = steps::operands_of(step.operation);
      stack.take(operands);
      // The last step writes where the results are wanted.
      const bool in_place = &step == &sequence.back() && count == kExpressionRow;
      T* const to = in_place ? out : stack.row();
      if (complete || strict(step.operation)) {
        carry_out(step.operation, stack.operands(), count, to);
        if (!complete) keep_where_all(stack.operand_flags(), operands, count, stack.flag());
      } else {
        carry_out(step.operation, stack.operands(), stack.operand_flags(), count, to, stack.flag());
      }
      stack.push(to, stack.flag());
    }
  }
  stack.take(1);
  if (*stack.operands() != out) std::memcpy(out, *stack.operands(), count * sizeof(T));
}

}  // namespace

template <class T>
void Expression::evaluate(std::span<const T* const> inputs, size_t pixels, T* out) const {
  RowStack<T> stack(depth_);
  for (size_t first = 0; first < pixels; first += kExpressionRow)
    evaluate_row<T>(steps_, inputs, {}, first, std::min(kExpressionRow, pixels - first), stack,
                    out + first);
}

template <class T>
void Expression::evaluate(std::span<const T* const> inputs, std::span<const uint8_t* const> valid,
                          size_t pixels, T* out, uint8_t* out_valid) const {
  RowStack<T> stack(depth_);
  for (size_t first = 0; first < pixels; first += kExpressionRow) {
    const size_t count = std::min(kExpressionRow, pixels - first);
    const bool complete = std::all_of(valid.begin(), valid.end(), [&](const uint8_t* each) {
      return all_set(each + first, count);
    });
    evaluate_row<T>(steps_, inputs, complete ? std::span<const uint8_t* const>() : valid, first,
                    count, stack, out + first);
    if (complete)
      std::memset(out_valid + first, 1, count);
    else
      std::memcpy(out_valid + first, *stack.operand_flags(), count);
  }
}

template <class T>
Expression::Sample<T> Expression::evaluate_one(std::span<const Sample<T>> inputs) const {
  std::vector<Sample<T>> values;
  for (const Step& step : steps_) {
    if (step.operation == Operation::number) {
      values.push_back({static_cast<T>(step.number), true});
    } else if (step.operation == Operation::name) {
      values.push_back(inputs[step.name]);
    } else {
      const size_t first = values.size() - steps::operands_of(step.operation);
      const auto result = steps::with_missing<T>(step.operation, values.data() + first);
      values.resize(first);
      values.push_back(result);
    }
  }
  return values.back();
}

template <class T>
T Expression::evaluate_one(std::span<const T> inputs) const {
  std::vector<Sample<T>> samples;
  for (const T value : inputs) samples.push_back({value, true});
  return evaluate_one<T>(std::span<const Sample<T>>(samples)).value;
}

template void Expression::evaluate(std::span<const float* const>, size_t, float*) const;
template void Expression::evaluate(std::span<const double* const>, size_t, double*) const;
template void Expression::evaluate(std::span<const float* const>, std::span<const uint8_t* const>,
                                   size_t, float*, uint8_t*) const;
template void Expression::evaluate(std::span<const double* const>, std::span<const uint8_t* const>,
                                   size_t, double*, uint8_t*) const;
template float Expression::evaluate_one(std::span<const float>) const;
template double Expression::evaluate_one(std::span<const double>) const;
template Expression::Sample<float> Expression::evaluate_one(
    std::span<const Expression::Sample<float>>) const;
template Expression::Sample<double> Expression::evaluate_one(
    std::span<const Expression::Sample<double>>) const;

}  // namespace geoloom::kernels
