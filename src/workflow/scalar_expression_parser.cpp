// SPDX-License-Identifier: Apache-2.0
// From text to the tree of a scalar expression: one function per level of precedence.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "error/spelling.h"
#include "workflow/scalar_expression_node.h"

namespace geoloom::workflow {
namespace {

using ExpressionNode = ScalarExpression::Node;

constexpr size_t kMostBytes = 4096;
constexpr size_t kDeepest = 64;

struct Token {
  enum class Kind { constant, reference, word, sign, end };
  Kind kind = Kind::end;
  std::string text;  // of a reference without its dollar sign
  Scalar constant;
  size_t position = 0;
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
  explicit Scanner(const std::string& text) : text_(text) {}

  Token next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    Token token;
    token.position = at_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    const bool digit_follows = at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    if (is_digit(c) || (c == '.' && digit_follows)) return number(std::move(token));
    if (begins_name(c)) return word(std::move(token));
    if (c == '\'' || c == '"') return quoted(std::move(token), c);
    if (c == '$') return reference(std::move(token));
    return sign(std::move(token));
  }

 private:
  Token number(Token token) {
    const char* const begin = text_.data() + at_;
    const char* const limit = text_.data() + text_.size();
    double value = 0;
    const auto [end, error] = std::from_chars(begin, limit, value);
    if (error != std::errc() || !std::isfinite(value))
      throw expression_error(text_, at_, "a number that cannot be represented");
    token.kind = Token::Kind::constant;
    token.constant.value = value;
    int64_t whole = 0;
    if (const auto read = std::from_chars(begin, end, whole);
        read.ec == std::errc() && read.ptr == end)
      token.constant.value = whole;
    at_ += static_cast<size_t>(end - begin);
    if (at_ < text_.size() && (begins_name(text_[at_]) || text_[at_] == '.'))
      throw expression_error(text_, token.position, "a number that goes on with a letter")
          .hint("texts stand in quotes: '2018-05'");
    return token;
  }

  Token word(Token token) {
    token.kind = Token::Kind::word;
    token.text = name_from(at_, false);
    at_ += token.text.size();
    return token;
  }

  Token quoted(Token token, char quote) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string::npos) throw expression_error(text_, at_, "a text without its end");
    token.kind = Token::Kind::constant;
    token.constant.value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return token;
  }

  Token reference(Token token) {
    token.kind = Token::Kind::reference;
    token.text = name_from(at_ + 1, true);
    if (token.text.empty() || !begins_name(token.text.front()) || token.text.back() == '.')
      throw expression_error(text_, at_, "a reference needs a name: $name or $step.output");
    at_ += 1 + token.text.size();
    return token;
  }

  std::string name_from(size_t begin, bool with_parts) const {
    size_t end = begin;
    while (end < text_.size() && (begins_name(text_[end]) || is_digit(text_[end]) ||
                                  (with_parts && (text_[end] == '.' || text_[end] == '-'))))
      ++end;
    return text_.substr(begin, end - begin);
  }

  Token sign(Token token) {
    static constexpr std::array<std::string_view, 19> kSigns{"??", "<=", ">=", "==", "!=", "<", ">",
                                                             "+",  "-",  "*",  "/",  "%",  "(", ")",
                                                             "[",  "]",  ",",  "=",  "?"};
    for (const auto known : kSigns) {
      if (!std::string_view(text_).substr(at_).starts_with(known)) continue;
      if (known == "=") throw expression_error(text_, at_, "'=' compares nothing: write ==");
      if (known == "?") break;
      token.kind = Token::Kind::sign;
      token.text = known;
      at_ += known.size();
      return token;
    }
    const char found = text_[at_];
    const std::string_view hint = found == '&'   ? ": write and"
                                  : found == '|' ? ": write or"
                                  : found == '!' ? ": write not"
                                                 : "";
    throw expression_error(text_, at_,
                           fmt::format("'{}' means nothing here{}", text_.substr(at_, 1), hint));
  }

  const std::string& text_;
  size_t at_ = 0;
};

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text), scanner_(text), token_(scanner_.next()) {}

  ExpressionNode parse() {
    ExpressionNode root = coalesce();
    if (token_.kind != Token::Kind::end)
      throw wrong(fmt::format("'{}' does not belong here", shown()));
    return root;
  }

 private:
  struct Level {  // counts how deep the text nests, whatever nests it
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kDeepest)
        throw parser_.wrong(fmt::format("nested deeper than {} levels", kDeepest));
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Parser& parser_;
  };

  // Chains of operators of one level grow to the left, one node deeper each.
  using Next = ExpressionNode (Parser::*)();
  ExpressionNode chain(Next next,
                       std::initializer_list<std::pair<std::string_view, Operator>> operators) {
    ExpressionNode left = (this->*next)();
    size_t links = 0;
    while (const auto found = taken(operators)) {
      if (++links > kDeepest * 4) throw wrong("too many operators in a row");
      ExpressionNode node = *found;
      node.parts.push_back(std::move(left));
      node.parts.push_back((this->*next)());
      left = std::move(node);
    }
    return left;
  }

  ExpressionNode coalesce() {
    const Level level(*this);
    return chain(&Parser::either, {{"??", Operator::coalesce}});
  }
  ExpressionNode either() { return chain(&Parser::both, {{"or", Operator::either}}); }
  ExpressionNode both() { return chain(&Parser::negation, {{"and", Operator::both}}); }

  ExpressionNode negation() {
    const Level level(*this);
    auto found = taken({{"not", Operator::negation}});
    if (!found) return comparison();
    found->parts.push_back(negation());
    return std::move(*found);
  }

  ExpressionNode comparison() {
    static const std::initializer_list<std::pair<std::string_view, Operator>> kComparisons{
        {"==", Operator::equal},         {"!=", Operator::unequal},
        {"<=", Operator::less_or_equal}, {">=", Operator::greater_or_equal},
        {"<", Operator::less},           {">", Operator::greater},
        {"in", Operator::member}};
    ExpressionNode left = sum();
    auto found = taken(kComparisons);
    if (!found) return left;
    found->parts.push_back(std::move(left));
    found->parts.push_back(sum());
    if (taken(kComparisons))
      throw expression_error(text_, last_position_, "comparisons do not chain: join two by and");
    return std::move(*found);
  }

  ExpressionNode sum() {
    return chain(&Parser::product, {{"+", Operator::add}, {"-", Operator::subtract}});
  }
  ExpressionNode product() {
    return chain(&Parser::unary,
                 {{"*", Operator::multiply}, {"/", Operator::divide}, {"%", Operator::remainder}});
  }

  ExpressionNode unary() {
    const Level level(*this);
    auto found = taken({{"-", Operator::minus}});
    if (!found) return primary();
    found->parts.push_back(unary());
    return std::move(*found);
  }

  ExpressionNode primary() {
    ExpressionNode node;
    node.position = token_.position;
    node.name = token_.text;
    if (token_.kind == Token::Kind::constant) {
      node.constant = std::move(token_.constant);
      advance();
      return node;
    }
    if (token_.kind == Token::Kind::reference) return reference(std::move(node));
    if (token_.kind == Token::Kind::word) return word(std::move(node));
    if (taken({{"(", Operator::list}})) {
      ExpressionNode inner = coalesce();
      expect(")");
      return inner;
    }
    if (taken({{"[", Operator::list}})) {
      node.op = Operator::list;
      node.parts = members("]");
      return node;
    }
    throw wrong(token_.kind == Token::Kind::end
                    ? "the expression ends where a value is missing"
                    : fmt::format("'{}' where a value is missing", shown()));
  }

  ExpressionNode reference(ExpressionNode node) {
    const auto dot = token_.text.find('.');
    node.op = Operator::reference;
    node.reference.name = token_.text.substr(0, dot);
    if (dot != std::string::npos) node.reference.part = token_.text.substr(dot + 1);
    advance();
    return node;
  }

  ExpressionNode word(ExpressionNode node) {
    static const std::vector<std::pair<std::string, Operator>> kFunctions{
        {"min", Operator::minimum},
        {"max", Operator::maximum},
        {"abs", Operator::absolute},
        {"round", Operator::round},
        {"length", Operator::length}};
    if (token_.text == "true" || token_.text == "false") {
      node.constant.value = token_.text == "true";
      advance();
      return node;
    }
    std::vector<std::string> known;
    for (const auto& [name, op] : kFunctions) {
      known.push_back(name);
      if (name != token_.text) continue;
      node.op = op;
      advance();
      expect("(");
      node.parts = members(")");
      check_count(node);
      return node;
    }
    throw wrong(fmt::format("'{}' is no function and no value", token_.text))
        .hint(fmt::format("texts stand in quotes, references begin with $; {}",
                          spelling_hint(token_.text, known)));
  }

  void check_count(const ExpressionNode& node) const {
    const bool many = node.op == Operator::minimum || node.op == Operator::maximum;
    if (many ? !node.parts.empty() : node.parts.size() == 1) return;
    throw expression_error(
        text_, node.position,
        fmt::format("{}() takes {}, not {}", node.name, many ? "one value or more" : "one value",
                    node.parts.size()));
  }

  std::vector<ExpressionNode> members(std::string_view closing) {
    std::vector<ExpressionNode> out;
    if (is_sign(closing)) {
      advance();
      return out;
    }
    do {
      out.push_back(coalesce());
    } while (taken({{",", Operator::list}}));
    expect(closing);
    return out;
  }

  bool is_sign(std::string_view text) const {
    return (token_.kind == Token::Kind::sign || token_.kind == Token::Kind::word) &&
           token_.text == text;
  }

  std::optional<ExpressionNode> taken(
      std::initializer_list<std::pair<std::string_view, Operator>> operators) {
    for (const auto& [text, op] : operators) {
      if (!is_sign(text)) continue;
      ExpressionNode node;
      node.op = op;
      node.name = text;
      node.position = last_position_ = token_.position;
      advance();
      return node;
    }
    return std::nullopt;
  }

  void expect(std::string_view sign) {
    if (!is_sign(sign))
      throw wrong(token_.kind == Token::Kind::end
                      ? fmt::format("'{}' is missing at the end", sign)
                      : fmt::format("'{}' where '{}' belongs", shown(), sign));
    advance();
  }

  void advance() { token_ = scanner_.next(); }
  std::string shown() const {
    if (token_.kind == Token::Kind::reference) return "$" + token_.text;
    return token_.kind == Token::Kind::constant ? token_.constant.text() : token_.text;
  }
  Error wrong(const std::string& message) const {
    return expression_error(text_, token_.position, message);
  }

  const std::string& text_;
  Scanner scanner_;
  Token token_;
  size_t depth_ = 0;
  size_t last_position_ = 0;
};

}  // namespace

Error expression_error(const std::string& text, size_t position, const std::string& message) {
  return {ErrorCode::invalid,
          fmt::format("in '{}', column {}: {}", text.substr(0, 200), position + 1, message)};
}

ScalarExpression::Node parse_scalar_expression(const std::string& text) {
  if (text.size() > kMostBytes)
    throw Error(ErrorCode::invalid, fmt::format("an expression has at most {} bytes", kMostBytes));
  return Parser(text).parse();
}

}  // namespace geoloom::workflow
