// SPDX-License-Identifier: Apache-2.0
// From text to the steps of an expression: one function per level of precedence.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "kernels/expression.h"

namespace geoloom::kernels {
namespace {

using Operation = Expression::Operation;
using Step = Expression::Step;

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
    static constexpr std::array<std::string_view, 14> kSigns{"<=", ">=", "==", "!=", "<", ">", "+",
                                                             "-",  "*",  "/",  "(",  ")", ",", "="};
    for (const auto known : kSigns) {
      if (!text_.substr(at_).starts_with(known)) continue;
      if (known == "=") throw ExpressionError("'=' compares nothing: write ==", token.position);
      token.kind = Token::Kind::sign;
      token.text = known;
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
    if (token_.kind != Token::Kind::sign || token_.text != sign) return false;
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
    Part part = conjunction();
    while (is_word("or")) {
      advance();
      need(part, true, "or");
      const Part right = conjunction();
      need(right, true, "or");
      part = binary(part, right, Operation::logical_or, "or", true);
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
    while (token_.kind == Token::Kind::sign && (token_.text == "*" || token_.text == "/")) {
      const std::string sign = token_.text;
      advance();
      need(part, false, sign);
      const Part right = signed_operand();
      need(right, false, sign);
      part =
          binary(part, right, sign == "*" ? Operation::multiply : Operation::divide, sign, false);
    }
    return part;
  }

  Part signed_operand() {
    const size_t position = token_.position;
    if (take_sign("+")) throw ExpressionError("a sign + before an operand", position);
    if (!take_sign("-")) return operand();
    const Nested nested(*this);
    Part part = signed_operand();
    need(part, false, "-");
    steps.push_back({Operation::negate});
    return {false, "(-" + part.canonical + ")", position, part.depth};
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
    static constexpr std::array<std::string_view, 3> kWords{"and", "or", "not"};
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
    struct Function {
      std::string_view name;
      Operation operation;
      bool several;
    };
    static constexpr std::array<Function, 4> kFunctions{{
        {"abs", Operation::absolute, false},
        {"sqrt", Operation::square_root, false},
        {"min", Operation::minimum, true},
        {"max", Operation::maximum, true},
    }};
    const auto known = std::find_if(kFunctions.begin(), kFunctions.end(),
                                    [&](const Function& each) { return each.name == token.text; });
    if (known == kFunctions.end())
      throw ExpressionError(
          "there is no function '" + token.text + "': known are abs, sqrt, min, max",
          token.position);
    const Nested nested(*this);
    need_sign("(");
    Part part = disjunction();
    need(part, false, token.text);
    std::string arguments = part.canonical;
    size_t count = 1;
    for (; take_sign(","); ++count) {
      const Part next = disjunction();
      need(next, false, token.text);
      if (known->several) part = joined(part, next, known->operation, "", false);
      arguments += ", " + next.canonical;
    }
    need_sign(")");
    if (known->several ? count < 2 : count != 1)
      throw ExpressionError(
          token.text + (known->several ? " needs two arguments or more" : " needs one argument"),
          token.position);
    if (!known->several) steps.push_back({known->operation});
    return {false, token.text + "(" + arguments + ")", token.position, part.depth};
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
