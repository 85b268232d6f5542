// SPDX-License-Identifier: Apache-2.0
#include "kernels/expression_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/expression_rows.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> truth(D d, hn::Mask<D> holds) {
  return hn::IfThenElse(holds, hn::Set(d, hn::TFromD<D>{1}), hn::Zero(d));
}
// Of all targets alike: AVX-512's Ne is false for NaN.
template <class D>
HWY_INLINE hn::Mask<D> differ(D, hn::Vec<D> a, hn::Vec<D> b) {
  return hn::Not(hn::Eq(a, b));
}
template <class D>
HWY_INLINE hn::Mask<D> is_true(D d, hn::Vec<D> v) {
  return differ(d, v, hn::Zero(d));
}
// NaN of either, in the order of steps::smaller.
template <class D>
HWY_INLINE hn::Vec<D> smaller(D d, hn::Vec<D> a, hn::Vec<D> b) {
  const auto least = hn::IfThenElse(hn::Lt(b, a), b, a);
  return hn::IfThenElse(differ(d, a, a), a, hn::IfThenElse(differ(d, b, b), b, least));
}
template <class D>
HWY_INLINE hn::Vec<D> larger(D d, hn::Vec<D> a, hn::Vec<D> b) {
  const auto most = hn::IfThenElse(hn::Lt(a, b), b, a);
  return hn::IfThenElse(differ(d, a, a), a, hn::IfThenElse(differ(d, b, b), b, most));
}

template <Operation kOperation, class D>
HWY_INLINE hn::Vec<D> result(D d, hn::Vec<D> a) {
  if constexpr (kOperation == Operation::negate) return hn::Neg(a);
  if constexpr (kOperation == Operation::absolute) return hn::Abs(a);
  if constexpr (kOperation == Operation::square_root) return hn::Sqrt(a);
  if constexpr (kOperation == Operation::logical_not) return truth(d, hn::Eq(a, hn::Zero(d)));
}

template <Operation kOperation, class D>
HWY_INLINE hn::Vec<D> result(D d, hn::Vec<D> a, hn::Vec<D> b) {
  if constexpr (kOperation == Operation::add) return hn::Add(a, b);
  if constexpr (kOperation == Operation::subtract) return hn::Sub(a, b);
  if constexpr (kOperation == Operation::multiply) return hn::Mul(a, b);
  if constexpr (kOperation == Operation::divide) return hn::Div(a, b);
  if constexpr (kOperation == Operation::normalized_difference)
    return hn::Div(hn::Sub(a, b), hn::Add(a, b));
  if constexpr (kOperation == Operation::minimum) return smaller(d, a, b);
  if constexpr (kOperation == Operation::maximum) return larger(d, a, b);
  if constexpr (kOperation == Operation::less) return truth(d, hn::Lt(a, b));
  if constexpr (kOperation == Operation::less_equal) return truth(d, hn::Le(a, b));
  if constexpr (kOperation == Operation::greater) return truth(d, hn::Gt(a, b));
  if constexpr (kOperation == Operation::greater_equal) return truth(d, hn::Ge(a, b));
  if constexpr (kOperation == Operation::equal) return truth(d, hn::Eq(a, b));
  if constexpr (kOperation == Operation::not_equal) return truth(d, differ(d, a, b));
  if constexpr (kOperation == Operation::logical_and)
    return truth(d, hn::And(is_true(d, a), is_true(d, b)));
  if constexpr (kOperation == Operation::logical_or)
    return truth(d, hn::Or(is_true(d, a), is_true(d, b)));
  if constexpr (kOperation == Operation::exclusive_or)
    return truth(d, hn::Xor(is_true(d, a), is_true(d, b)));
}

template <Operation kOperation, class D>
HWY_INLINE hn::Vec<D> result(D d, hn::Vec<D> a, hn::Vec<D> b, hn::Vec<D> c) {
  if constexpr (kOperation == Operation::choose) return hn::IfThenElse(is_true(d, a), b, c);
  if constexpr (kOperation == Operation::clip) return larger(d, smaller(d, a, c), b);
  if constexpr (kOperation == Operation::between)
    return truth(d, hn::And(hn::Ge(a, b), hn::Le(a, c)));
}

template <Operation kOperation, size_t kOperands, class T>
HWY_INLINE bool row(const T* const* operands, T* to) {
  const hn::CappedTag<T, kExpressionRow> d;
  for (size_t i = 0; i < kExpressionRow; i += hn::Lanes(d)) {
    const auto first = hn::LoadU(d, operands[0] + i);
    if constexpr (kOperands == 1) {
      hn::StoreU(result<kOperation>(d, first), d, to + i);
    } else {
      const auto second = hn::LoadU(d, operands[1] + i);
      if constexpr (kOperands == 2) {
        hn::StoreU(result<kOperation>(d, first, second), d, to + i);
      } else {
        const auto third = hn::LoadU(d, operands[2] + i);
        hn::StoreU(result<kOperation>(d, first, second, third), d, to + i);
      }
    }
  }
  return true;
}

template <class T>
HWY_INLINE bool any_row(Operation operation, const T* const* operands, T* to) {
  using O = Operation;
  switch (operation) {
    case O::negate:
      return row<O::negate, 1>(operands, to);
    case O::absolute:
      return row<O::absolute, 1>(operands, to);
    case O::square_root:
      return row<O::square_root, 1>(operands, to);
    case O::logical_not:
      return row<O::logical_not, 1>(operands, to);
    case O::add:
      return row<O::add, 2>(operands, to);
    case O::subtract:
      return row<O::subtract, 2>(operands, to);
    case O::multiply:
      return row<O::multiply, 2>(operands, to);
    case O::divide:
      return row<O::divide, 2>(operands, to);
    case O::normalized_difference:
      return row<O::normalized_difference, 2>(operands, to);
    case O::minimum:
      return row<O::minimum, 2>(operands, to);
    case O::maximum:
      return row<O::maximum, 2>(operands, to);
    case O::less:
      return row<O::less, 2>(operands, to);
    case O::less_equal:
      return row<O::less_equal, 2>(operands, to);
    case O::greater:
      return row<O::greater, 2>(operands, to);
    case O::greater_equal:
      return row<O::greater_equal, 2>(operands, to);
    case O::equal:
      return row<O::equal, 2>(operands, to);
    case O::not_equal:
      return row<O::not_equal, 2>(operands, to);
    case O::logical_and:
      return row<O::logical_and, 2>(operands, to);
    case O::logical_or:
      return row<O::logical_or, 2>(operands, to);
    case O::exclusive_or:
      return row<O::exclusive_or, 2>(operands, to);
    case O::choose:
      return row<O::choose, 3>(operands, to);
    case O::clip:
      return row<O::clip, 3>(operands, to);
    case O::between:
      return row<O::between, 3>(operands, to);
    default:
      return false;
  }
}

bool row_of_floats(Operation operation, const float* const* operands, float* to) {
  return any_row(operation, operands, to);
}
bool row_of_doubles(Operation operation, const double* const* operands, double* to) {
  return any_row(operation, operands, to);
}

void keep_bytes(const uint8_t* a, const uint8_t* b, size_t pixels, uint8_t* to) {
  const hn::CappedTag<uint8_t, kExpressionRow> d;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= pixels; i += hn::Lanes(d))
    hn::StoreU(hn::And(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, to + i);
  for (; i < pixels; ++i) to[i] = a[i] & b[i];
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {

HWY_EXPORT(row_of_floats);
HWY_EXPORT(row_of_doubles);
HWY_EXPORT(keep_bytes);

bool carry_out_row(Operation operation, const float* const* operands, float* to) {
  return HWY_DYNAMIC_DISPATCH(row_of_floats)(operation, operands, to);
}
bool carry_out_row(Operation operation, const double* const* operands, double* to) {
  return HWY_DYNAMIC_DISPATCH(row_of_doubles)(operation, operands, to);
}

void keep_where_both(const uint8_t* a, const uint8_t* b, size_t pixels, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(keep_bytes)(a, b, pixels, to);
}

}  // namespace geoloom::kernels
#endif
