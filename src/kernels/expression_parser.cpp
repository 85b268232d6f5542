// SPDX-License-Identifier: Apache-2.0
// From text to the steps of an expression: one function per level of precedence.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <utility>

#include "kernels/expression.h"

namespace geoloom::kernels {
namespace {

using Step = Expression::Step;

constexpr uint8_t kAnyNumber = 255;
constexpr std::array<ExpressionFunction, 41> kFunctions{{
    {"abs", Operation::absolute, 1, 1, false, false, "size, without the sign"},
    {"sqrt", Operation::square_root, 1, 1, false, false, "square root"},
    {"min", Operation::minimum, 2, kAnyNumber, false, false, "the smallest of several"},
    {"max", Operation::maximum, 2, kAnyNumber, false, false, "the largest of several"},
    {"if", Operation::choose, 3, 3, true, false, "if(condition, a, b): a where it holds, else b"},
    {"clip", Operation::clip, 3, 3, false, false, "clip(x, lowest, highest)"},
    {"between", Operation::between, 3, 3, false, true,
     "between(x, lowest, highest), both included"},
    {"normalized_difference", Operation::normalized_difference, 2, 2, false, false,
     "(a - b) / (a + b)"},
    {"linear_scale_range", Operation::scale_range, 5, 5, false, false,
     "(x, low, high, to_low, to_high): clipped to the first range, stretched to the second"},
    {"exp", Operation::exponential, 1, 1, false, false, "e to the power of"},
    {"ln", Operation::natural_logarithm, 1, 1, false, false, "natural logarithm"},
    {"log10", Operation::decimal_logarithm, 1, 1, false, false, "logarithm to base 10"},
    {"log2", Operation::binary_logarithm, 1, 1, false, false, "logarithm to base 2"},
    {"log", Operation::logarithm, 2, 2, false, false, "log(x, base)"},
    {"power", Operation::power, 2, 2, false, false, "the same as a ^ b"},
    {"mod", Operation::modulo, 2, 2, false, false, "the same as a % b"},
    {"floor", Operation::floor, 1, 1, false, false, "the whole number below"},
    {"ceil", Operation::ceiling, 1, 1, false, false, "the whole number above"},
    {"int", Operation::truncate, 1, 1, false, false, "the whole part"},
    {"round", Operation::round, 1, 2, false, false,
     "the nearest whole number, half to even; round(x, digits)"},
    {"sgn", Operation::sign, 1, 1, false, false, "-1, 0 or 1"},
    {"sin", Operation::sine, 1, 1, false, false, "of an angle in radians"},
    {"cos", Operation::cosine, 1, 1, false, false, "of an angle in radians"},
    {"tan", Operation::tangent, 1, 1, false, false, "of an angle in radians"},
    {"arcsin", Operation::arc_sine, 1, 1, false, false, "an angle in radians"},
    {"arccos", Operation::arc_cosine, 1, 1, false, false, "an angle in radians"},
    {"arctan", Operation::arc_tangent, 1, 1, false, false, "an angle in radians"},
    {"arctan2", Operation::arc_tangent2, 2, 2, false, false, "arctan2(y, x), an angle in radians"},
    {"sinh", Operation::hyperbolic_sine, 1, 1, false, false, "hyperbolic sine"},
    {"cosh", Operation::hyperbolic_cosine, 1, 1, false, false, "hyperbolic cosine"},
    {"tanh", Operation::hyperbolic_tangent, 1, 1, false, false, "hyperbolic tangent"},
    {"arsinh", Operation::area_hyperbolic_sine, 1, 1, false, false, "inverse of sinh"},
    {"arcosh", Operation::area_hyperbolic_cosine, 1, 1, false, false, "inverse of cosh"},
    {"artanh", Operation::area_hyperbolic_tangent, 1, 1, false, false, "inverse of tanh"},
    {"is_nan", Operation::is_nan, 1, 1, false, true, "whether it is no number, as 0 / 0 is"},
    {"is_infinite", Operation::is_infinite, 1, 1, false, true,
     "whether it is infinite, as 1 / 0 is"},
    {"is_valid", Operation::is_valid, 1, 1, false, true, "whether it is there, and finite"},
    {"pi", Operation::number, 0, 0, false, false, "3.14159..."},
    {"e", Operation::number, 0, 0, false, false, "2.71828..."},
    {"nan", Operation::number, 0, 0, false, false, "not a number"},
    {"inf", Operation::number, 0, 0, false, false, "infinity"},
}};

double constant_of(std::string_view name) {
  if (name == "pi") return std::numbers::pi;
  if (name == "e") return std::numbers::e;
  return name == "nan" ? std::numeric_limits<double>::quiet_NaN()
                       : std::numeric_limits<double>::infinity();
}

struct Token {
  enum class Kind { number, name, sign, end };
  Kind kind = Kind::end;
  std::string text;  // of a name without its quotes
  double number = 0;
  size_t position = 0;
  bool quoted = false;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    Token token;
    token.position = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
      return number(std::move(token));
    if (begins_name(c)) return name(std::move(token));
    if (c == '"') return quoted(std::move(token));
    return sign(std::move(token));
  }

 private:
  Token number(Token token) {
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), token.number);
    if (error != std::errc() || !std::isfinite(token.number))
      throw ExpressionError("a number that cannot be represented", token.position);
    at_ += static_cast<size_t>(end - begin);
    if (at_ < text_.size() && (begins_name(text_[at_]) || text_[at_] == '.'))
      throw ExpressionError("a name that begins with a digit needs double quotes", token.position);
    token.kind = Token::Kind::number;
    token.text = std::string(begin, end);
    return token;
  }
  Token name(Token token) {
    size_t end = at_;
    while (end < text_.size() && (begins_name(text_[end]) || is_digit(text_[end]))) ++end;
    token.kind = Token::Kind::name;
    token.text = std::string(text_.substr(at_, end - at_));
    at_ = end;
    return token;
  }
  Token quoted(Token token) {
    const size_t end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1)
      throw ExpressionError("a name in quotes without its end", token.position);
    token.kind = Token::Kind::name;
    token.quoted = true;
    token.text = std::string(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return token;
  }
  Token sign(Token token) {
    static constexpr std::array<std::string_view, 17> kSigns{
        "<=", ">=", "==", "!=", "**", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", ",", "="};
    for (const auto known : kSigns) {
      if (!text_.substr(at_).starts_with(known)) continue;
      if (known == "=") throw ExpressionError("'=' compares nothing: write ==", token.position);
      token.kind = Token::Kind::sign;
      token.text = known == "**" ? "^" : known;
      at_ += known.size();
      return token;
    }
    const std::string_view found = text_.substr(at_, 1);
    const std::string hint = found == "&"   ? ": write and"
                             : found == "|" ? ": write or"
                             : found == "!" ? ": write not"
                                            : "";
    throw ExpressionError("'" + std::string(found) + "' means nothing here" + hint, token.position);
  }

  std::string_view text_;
  size_t at_ = 0;
};

// A part of the expression that has been understood.
struct Part {
  bool condition = false;
  std::string canonical;
  size_t position = 0;
  size_t depth = 1;  // values that computing it keeps at a time
};

std::string canonical_name(const std::string& name, bool quoted) {
  return quoted ? "\"" + name + "\"" : name;
}

std::string canonical_number(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : scanner_(text) { advance(); }

  Part whole() {
    Part part = disjunction();
    if (token_.kind != Token::Kind::end)
      throw ExpressionError("'" + token_.text + "' is not expected here", token_.position);
    return part;
  }
  std::vector<Step> steps;
  std::vector<std::string> names;

 private:
  void advance() { token_ = scanner_.next(); }
  bool is_word(std::string_view word) const {
    return token_.kind == Token::Kind::name && !token_.quoted && token_.text == word;
  }
  bool take_sign(std::string_view sign) {
    if (!is_sign(sign)) return false;
    advance();
    return true;
  }
  void need_sign(std::string_view sign) {
    const size_t position = token_.position;
    if (!take_sign(sign)) throw ExpressionError("'" + std::string(sign) + "' is missing", position);
  }
  static void need(const Part& part, bool condition, std::string_view what) {
    if (part.condition != condition)
      throw ExpressionError(std::string(what) + (condition ? " needs conditions, such as a > 1"
                                                           : " needs numbers, not conditions"),
                            part.position);
  }

  // Two parts in order: the second is computed while the first is kept.
  Part joined(const Part& a, const Part& b, Operation operation, std::string canonical,
              bool condition) {
    steps.push_back({operation});
    Part part{condition, std::move(canonical), a.position, std::max(a.depth, b.depth + 1)};
    check_depth(part);
    return part;
  }
  static void check_depth(const Part& part) {
    if (part.depth > kMostExpressionDepth)
      throw ExpressionError("too many parentheses within each other", part.position);
  }

  Part binary(const Part& a, const Part& b, Operation operation, const std::string& sign,
              bool condition) {
    return joined(a, b, operation, "(" + a.canonical + " " + sign + " " + b.canonical + ")",
                  condition);
  }

  Part disjunction() {
    Part part = exclusion();
    while (is_word("or")) {
      advance();
      need(part, true, "or");
      const Part right = exclusion();
      need(right, true, "or");
      part = binary(part, right, Operation::logical_or, "or", true);
    }
    return part;
  }

  Part exclusion() {
    Part part = conjunction();
    while (is_word("xor")) {
      advance();
      need(part, true, "xor");
      const Part right = conjunction();
      need(right, true, "xor");
      part = binary(part, right, Operation::exclusive_or, "xor", true);
    }
    return part;
  }

  Part conjunction() {
    Part part = negation();
    while (is_word("and")) {
      advance();
      need(part, true, "and");
      const Part right = negation();
      need(right, true, "and");
      part = binary(part, right, Operation::logical_and, "and", true);
    }
    return part;
  }

  Part negation() {
    if (!is_word("not")) return comparison();
    const Nested nested(*this);
    const size_t position = token_.position;
    advance();
    Part part = negation();
    need(part, true, "not");
    steps.push_back({Operation::logical_not});
    return {true, "(not " + part.canonical + ")", position, part.depth};
  }

  std::optional<Operation> comparison_sign() const {
    static constexpr std::array<std::pair<std::string_view, Operation>, 6> kSigns{{
        {"<", Operation::less},
        {"<=", Operation::less_equal},
        {">", Operation::greater},
        {">=", Operation::greater_equal},
        {"==", Operation::equal},
        {"!=", Operation::not_equal},
    }};
    if (token_.kind != Token::Kind::sign) return std::nullopt;
    for (const auto& [sign, operation] : kSigns)
      if (token_.text == sign) return operation;
    return std::nullopt;
  }

  Part comparison() {
    Part part = sum();
    const auto operation = comparison_sign();
    if (!operation) return part;
    const std::string sign = token_.text;
    advance();
    need(part, false, sign);
    const Part right = sum();
    need(right, false, sign);
    part = binary(part, right, *operation, sign, true);
    if (comparison_sign())
      throw ExpressionError("comparisons are not chained: write a < b and b < c", token_.position);
    return part;
  }

  Part sum() {
    Part part = product();
    while (token_.kind == Token::Kind::sign && (token_.text == "+" || token_.text == "-")) {
      const std::string sign = token_.text;
      advance();
      need(part, false, sign);
      const Part right = product();
      need(right, false, sign);
      part = binary(part, right, sign == "+" ? Operation::add : Operation::subtract, sign, false);
    }
    return part;
  }

  Part product() {
    Part part = signed_operand();
    while (token_.kind == Token::Kind::sign &&
           (token_.text == "*" || token_.text == "/" || token_.text == "%")) {
      const std::string sign = token_.text;
      advance();
      need(part, false, sign);
      const Part right = signed_operand();
      need(right, false, sign);
      part = binary(part, right,
                    sign == "*"   ? Operation::multiply
                    : sign == "/" ? Operation::divide
                                  : Operation::modulo,
                    sign, false);
    }
    return part;
  }

  Part signed_operand() {
    const size_t position = token_.position;
    if (take_sign("+")) throw ExpressionError("a sign + before an operand", position);
    if (!take_sign("-")) return raised();
    const Nested nested(*this);
    Part part = signed_operand();
    need(part, false, "-");
    steps.push_back({Operation::negate});
    return {false, "(-" + part.canonical + ")", position, part.depth};
  }

  // a ^ b ^ c is a ^ (b ^ c), and -a ^ b is -(a ^ b).
  Part raised() {
    const Part base = operand();
    if (!take_sign("^")) return base;
    const Nested nested(*this);
    need(base, false, "^");
    const Part exponent = signed_operand();
    need(exponent, false, "^");
    return binary(base, exponent, Operation::power, "^", false);
  }

  Part operand() {
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::number:
        advance();
        steps.push_back({Operation::number, 0, token.number});
        return {false, canonical_number(token.number), token.position, 1};
      case Token::Kind::name:
        return name_or_function(token);
      case Token::Kind::end:
        throw ExpressionError("something is missing at the end", token.position);
      case Token::Kind::sign:
        break;
    }
    if (!take_sign("("))
      throw ExpressionError("'" + token.text + "' stands where a number or a name is expected",
                            token.position);
    const Nested nested(*this);
    Part part = disjunction();
    need_sign(")");
    part.position = token.position;
    return part;
  }

  Part name_or_function(const Token& token) {
    static constexpr std::array<std::string_view, 4> kWords{"and", "or", "xor", "not"};
    if (!token.quoted && std::find(kWords.begin(), kWords.end(), token.text) != kWords.end())
      throw ExpressionError("'" + token.text + "' stands where a number or a name is expected",
                            token.position);
    advance();
    if (!token.quoted && token_.kind == Token::Kind::sign && token_.text == "(")
      return function(token);
    const auto found = std::find(names.begin(), names.end(), token.text);
    const auto index = static_cast<size_t>(found - names.begin());
    if (found == names.end()) names.push_back(token.text);
    steps.push_back({Operation::name, index});
    return {false, canonical_name(token.text, token.quoted), token.position, 1};
  }

  Part function(const Token& token) {
    const auto known = std::find_if(kFunctions.begin(), kFunctions.end(),
                                    [&](const auto& each) { return each.name == token.text; });
    if (known == kFunctions.end()) throw unknown_function(token);
    const Nested nested(*this);
    need_sign("(");
    if (known->most == 0) {
      need_sign(")");
      steps.push_back({Operation::number, 0, constant_of(known->name)});
      return {false, token.text + "()", token.position, 1};
    }
    Part part = disjunction();
    need(part, known->first_is_condition, token.text);
    std::string arguments = part.canonical;
    uint8_t count = 1;
    const auto refuse_count = [&] {
      throw ExpressionError(token.text + " needs " + arguments_of(*known), token.position);
    };
    for (; take_sign(","); ++count) {
      if (count == known->most) refuse_count();
      const Part next = disjunction();
      need(next, false, token.text);
      if (known->most == kAnyNumber)
        part = joined(part, next, known->operation, "", false);
      else
        part.depth = std::max(part.depth, next.depth + count);
      arguments += ", " + next.canonical;
    }
    if (count < known->least) refuse_count();
    need_sign(")");
    check_depth(part);
    if (known->most != kAnyNumber)
      steps.push_back({known->operation == Operation::round && count == 2 ? Operation::round_to
                                                                          : known->operation});
    return {known->gives_condition, token.text + "(" + arguments + ")", token.position, part.depth};
  }

  static std::string arguments_of(const ExpressionFunction& function) {
    static constexpr std::array<std::string_view, 6> kNumbers{"no",    "one",  "two",
                                                              "three", "four", "five"};
    if (function.most == kAnyNumber)
      return std::string(kNumbers[function.least]) + " arguments or more";
    std::string text(kNumbers[function.least]);
    if (function.most > function.least) text += " or " + std::string(kNumbers[function.most]);
    return text + (function.most == 1 ? " argument" : " arguments");
  }

  static ExpressionError unknown_function(const Token& token) {
    std::string names;
    for (const auto& each : kFunctions)
      names += (names.empty() ? "" : ", ") + std::string(each.name);
    return {"there is no function '" + token.text + "': known are " + names, token.position};
  }

  bool is_sign(std::string_view sign) const {
    return token_.kind == Token::Kind::sign && token_.text == sign;
  }

  // Counts how deep the parser has called itself.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > kMostExpressionDepth)
        throw ExpressionError("too many parentheses within each other", parser_.token_.position);
    }
    ~Nested() { --parser_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  Scanner scanner_;
  Token token_;
  size_t nesting_ = 0;
};

}  // namespace

const std::span<const ExpressionFunction> kExpressionFunctions{kFunctions};

Expression Expression::parse(std::string_view text) {
  if (text.size() > kMostExpressionCharacters)
    throw ExpressionError(
        "an expression has at most " + std::to_string(kMostExpressionCharacters) + " characters",
        kMostExpressionCharacters);
  Parser parser(text);
  const Part part = parser.whole();
  Expression expression;
  expression.steps_ = std::move(parser.steps);
  expression.names_ = std::move(parser.names);
  expression.canonical_ = part.canonical;
  expression.depth_ = part.depth;
  expression.condition_ = part.condition;
  return expression;
}

}  // namespace geoloom::kernels
