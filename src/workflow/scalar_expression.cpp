// SPDX-License-Identifier: Apache-2.0
#include "workflow/scalar_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "workflow/scalar_expression_node.h"

namespace geoloom::workflow {
namespace {

using ExpressionNode = ScalarExpression::Node;

bool is_numeric(ScalarType type) {
  return type == ScalarType::integer || type == ScalarType::number;
}

ScalarType type_of_constant(const Scalar& constant) {
  if (std::holds_alternative<bool>(constant.value)) return ScalarType::boolean;
  if (std::holds_alternative<int64_t>(constant.value)) return ScalarType::integer;
  if (std::holds_alternative<double>(constant.value)) return ScalarType::number;
  return ScalarType::text;
}

class TypeChecker {
 public:
  TypeChecker(const std::string& text, const ScalarExpression::TypeOf& type_of)
      : text_(text), type_of_(type_of) {}

  ScalarType check(const ExpressionNode& node) const {
    std::vector<ScalarType> types;
    for (const auto& part : node.parts) types.push_back(check(part));
    switch (node.op) {
      case Operator::constant:
        return type_of_constant(node.constant);
      case Operator::reference:
        return type_of_(node.reference);
      case Operator::list:
        return list(node, types);
      case Operator::coalesce:
        return alike(node, types, "has");
      case Operator::either:
      case Operator::both:
      case Operator::negation:
        need_all(
            node, types, [](auto type) { return type == ScalarType::boolean; }, "true or false");
        return ScalarType::boolean;
      case Operator::equal:
      case Operator::unequal:
        (void)alike(node, types, "compares");
        return ScalarType::boolean;
      case Operator::less:
      case Operator::less_or_equal:
      case Operator::greater:
      case Operator::greater_or_equal:
        return order(node, types);
      case Operator::member:
        return membership(node, types);
      default:
        return arithmetic(node, types);
    }
  }

 private:
  // Alike, or whole numbers and numbers, which make a number.
  ScalarType alike(const ExpressionNode& node, const std::vector<ScalarType>& types,
                   std::string_view verb) const {
    ScalarType common = types.front();
    for (const auto type : types) {
      if (type == common) continue;
      if (!is_numeric(type) || !is_numeric(common))
        throw wrong(node,
                    fmt::format("'{}' {} {} with {}", node.name, verb, name(common), name(type)));
      common = ScalarType::number;
    }
    return common;
  }

  ScalarType order(const ExpressionNode& node, const std::vector<ScalarType>& types) const {
    const auto common = alike(node, types, "compares");
    if (!is_numeric(common) && common != ScalarType::text)
      throw wrong(node,
                  fmt::format("'{}' compares numbers or texts, not {}", node.name, name(common)));
    return ScalarType::boolean;
  }

  ScalarType membership(const ExpressionNode& node, const std::vector<ScalarType>& types) const {
    if (types[1] != ScalarType::list)
      throw wrong(node, fmt::format("'in' needs a list on its right, not {}", name(types[1])));
    if (types[0] == ScalarType::list) throw wrong(node, "a list is in no list");
    return ScalarType::boolean;
  }

  ScalarType list(const ExpressionNode& node, const std::vector<ScalarType>& types) const {
    if (std::find(types.begin(), types.end(), ScalarType::list) != types.end())
      throw wrong(node, "a list cannot hold lists");
    return ScalarType::list;
  }

  ScalarType arithmetic(const ExpressionNode& node, const std::vector<ScalarType>& types) const {
    if (node.op == Operator::length) {
      if (types[0] != ScalarType::list && types[0] != ScalarType::text)
        throw wrong(node,
                    fmt::format("length() is of a list or a text, not of {}", name(types[0])));
      return ScalarType::integer;
    }
    if (node.op == Operator::remainder) {
      need_all(
          node, types, [](auto type) { return type == ScalarType::integer; }, "whole numbers");
      return ScalarType::integer;
    }
    need_all(node, types, is_numeric, "numbers");
    if (node.op == Operator::divide) return ScalarType::number;
    if (node.op == Operator::round) return ScalarType::integer;
    return alike(node, types, "joins");
  }

  template <class Test>
  void need_all(const ExpressionNode& node, const std::vector<ScalarType>& types, Test test,
                std::string_view wanted) const {
    for (const auto type : types)
      if (!test(type))
        throw wrong(node, fmt::format("'{}' needs {}, not {}", node.name, wanted, name(type)));
  }

  Error wrong(const ExpressionNode& node, const std::string& message) const {
    return expression_error(text_, node.position, message);
  }

  const std::string& text_;
  const ScalarExpression::TypeOf& type_of_;
};

std::optional<double> number_of(const Scalar& scalar) {
  if (const auto* whole = std::get_if<int64_t>(&scalar.value)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&scalar.value)) return *number;
  return std::nullopt;
}

Scalar finite(double value) {
  return std::isfinite(value) ? Scalar{value} : Scalar{};
}

// 1 == 1.0, also in lists.
bool same(const Scalar& a, const Scalar& b) {
  const auto x = number_of(a), y = number_of(b);
  if (x && y) return *x == *y;
  const auto *left = std::get_if<Scalar::List>(&a.value),
             *right = std::get_if<Scalar::List>(&b.value);
  if (left && right)
    return std::equal(left->begin(), left->end(), right->begin(), right->end(), same);
  return a == b;
}

bool less(const Scalar& a, const Scalar& b) {
  const auto x = number_of(a), y = number_of(b);
  if (x && y) return *x < *y;
  return std::get<std::string>(a.value) < std::get<std::string>(b.value);
}

bool compare(Operator op, const Scalar& a, const Scalar& b) {
  switch (op) {
    case Operator::equal:
      return same(a, b);
    case Operator::unequal:
      return !same(a, b);
    case Operator::less:
      return less(a, b);
    case Operator::less_or_equal:
      return !less(b, a);
    case Operator::greater:
      return less(b, a);
    default:
      return !less(a, b);
  }
}

// Two whole numbers; absent beyond 64 bits.
Scalar whole_arithmetic(Operator op, int64_t a, int64_t b) {
  int64_t out = 0;
  bool beyond = false;
  switch (op) {
    case Operator::add:
      beyond = __builtin_add_overflow(a, b, &out);
      break;
    case Operator::subtract:
      beyond = __builtin_sub_overflow(a, b, &out);
      break;
    case Operator::multiply:
      beyond = __builtin_mul_overflow(a, b, &out);
      break;
    default:  // remainder, with the sign of the divisor; -1 would overflow for the lowest number
      if (b == 0) return {};
      out = b == -1 ? 0 : a % b;
      if (out != 0 && (out < 0) != (b < 0)) out += b;
  }
  return beyond ? Scalar{} : Scalar{out};
}

Scalar arithmetic(Operator op, const Scalar& a, const Scalar& b) {
  const auto *whole = std::get_if<int64_t>(&a.value), *other = std::get_if<int64_t>(&b.value);
  if (op != Operator::divide && whole && other) return whole_arithmetic(op, *whole, *other);
  const double x = *number_of(a), y = *number_of(b);
  switch (op) {
    case Operator::add:
      return finite(x + y);
    case Operator::subtract:
      return finite(x - y);
    case Operator::multiply:
      return finite(x * y);
    default:
      return finite(x / y);
  }
}

Scalar rounded(double value) {
  const double whole = std::nearbyint(value);  // half to even
  constexpr double kBeyond = 9223372036854775808.0;
  if (!(whole >= -kBeyond && whole < kBeyond)) return {};
  return {static_cast<int64_t>(whole)};
}

class Evaluator {
 public:
  explicit Evaluator(const ScalarExpression::ValueOf& value_of) : value_of_(value_of) {}

  Scalar evaluate(const ExpressionNode& node) const {
    switch (node.op) {
      case Operator::constant:
        return node.constant;
      case Operator::reference:
        return value_of_(node.reference);
      case Operator::coalesce: {
        auto left = evaluate(node.parts[0]);
        return left.absent() ? evaluate(node.parts[1]) : left;
      }
      case Operator::either:
        return logic(node, true);
      case Operator::both:
        return logic(node, false);
      default:
        return of_parts(node);
    }
  }

 private:
  // Kleene's: one `decisive` part decides, whatever is absent.
  Scalar logic(const ExpressionNode& node, bool decisive) const {
    bool absent = false;
    for (const auto& part : node.parts) {
      const auto value = evaluate(part);
      absent = absent || value.absent();
      if (!value.absent() && std::get<bool>(value.value) == decisive) return {decisive};
    }
    return absent ? Scalar{} : Scalar{!decisive};
  }

  Scalar of_parts(const ExpressionNode& node) const {
    Scalar::List parts;
    for (const auto& part : node.parts) parts.push_back(evaluate(part));
    if (std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.absent(); }))
      return {};
    switch (node.op) {
      case Operator::list:
        return {std::move(parts)};
      case Operator::negation:
        return {!std::get<bool>(parts[0].value)};
      case Operator::member: {
        const auto& list = std::get<Scalar::List>(parts[1].value);
        return {std::any_of(list.begin(), list.end(),
                            [&](const auto& member) { return same(member, parts[0]); })};
      }
      case Operator::equal:
      case Operator::unequal:
      case Operator::less:
      case Operator::less_or_equal:
      case Operator::greater:
      case Operator::greater_or_equal:
        return {compare(node.op, parts[0], parts[1])};
      case Operator::minimum:
        return *std::min_element(parts.begin(), parts.end(), less);
      case Operator::maximum:
        return *std::max_element(parts.begin(), parts.end(), less);
      case Operator::minus:
        return arithmetic(Operator::subtract, {int64_t{0}}, parts[0]);
      case Operator::absolute:
        return less(parts[0], {int64_t{0}}) ? arithmetic(Operator::subtract, {int64_t{0}}, parts[0])
                                            : parts[0];
      case Operator::round:
        return std::holds_alternative<int64_t>(parts[0].value) ? parts[0]
                                                               : rounded(*number_of(parts[0]));
      case Operator::length:
        return length(parts[0]);
      default:
        return arithmetic(node.op, parts[0], parts[1]);
    }
  }

  static Scalar length(const Scalar& of) {
    if (const auto* list = std::get_if<Scalar::List>(&of.value))
      return {static_cast<int64_t>(list->size())};
    const auto& text = std::get<std::string>(of.value);
    // Characters, not bytes: those that continue one begin with the bits 10.
    return {static_cast<int64_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }))};
  }

  const ScalarExpression::ValueOf& value_of_;
};

void collect(const ExpressionNode& node, std::vector<ScalarReference>& out) {
  if (node.op == Operator::reference &&
      std::none_of(out.begin(), out.end(),
                   [&](const auto& known) { return known.text() == node.reference.text(); }))
    out.push_back(node.reference);
  for (const auto& part : node.parts) collect(part, out);
}

void collect_nodes(const ExpressionNode& node,
                   std::map<size_t, const ExpressionNode*>& by_position) {
  if (node.op == Operator::reference) by_position[node.position] = &node;
  for (const auto& part : node.parts) collect_nodes(part, by_position);
}

}  // namespace

ScalarExpression::ScalarExpression(std::string text)
    : text_(std::move(text)),
      root_(std::make_shared<const ExpressionNode>(parse_scalar_expression(text_))) {
  collect(*root_, references_);
}

std::string ScalarExpression::rewritten(
    const std::function<std::string(const ScalarReference&)>& text_for) const {
  std::map<size_t, const ExpressionNode*> references;
  collect_nodes(*root_, references);
  std::string out;
  size_t at = 0;
  for (const auto& [position, node] : references) {
    out += text_.substr(at, position - at) + text_for(node->reference);
    at = position + 1 + node->reference.text().size();  // with the dollar sign
  }
  return out + text_.substr(at);
}

ScalarType ScalarExpression::check(const TypeOf& type_of) const {
  return TypeChecker(text_, type_of).check(*root_);
}

Scalar ScalarExpression::evaluate(const ValueOf& value_of) const {
  return Evaluator(value_of).evaluate(*root_);
}

}  // namespace geoloom::workflow
