// SPDX-License-Identifier: Apache-2.0
#include "workflow/value.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <sstream>

namespace geoloom::workflow {
namespace {

Place place_at(const std::string& file, int line = 0, int column = 0, const std::string& key = {}) {
  Place place;
  place.file = file;
  place.line = line;
  place.column = column;
  place.key = key;
  return place;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

// [-+]?[0-9]+ | 0x[0-9a-fA-F]+ | 0o[0-7]+, when it fits int64.
std::optional<int64_t> core_integer(std::string_view text) {
  int base = 10;
  std::string_view digits = text;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    digits.remove_prefix(2);
    if (digits.starts_with('-')) return {};
  } else if (text.starts_with('+')) {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) return {};
  }
  int64_t value = 0;
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (status != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? in the part without its sign.
bool looks_like_number(std::string_view text) {
  size_t at = 0, digits = 0;
  const auto skip_digits = [&] {
    for (; at < text.size() && is_digit(text[at]); ++at) ++digits;
  };
  skip_digits();
  if (at < text.size() && text[at] == '.') ++at;
  skip_digits();
  if (digits == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  const auto exponent = without_sign(text.substr(at + 1));
  return !exponent.empty() && std::all_of(exponent.begin(), exponent.end(), is_digit);
}

std::optional<double> core_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto rest = without_sign(text);
  if (one_of(rest, {".inf", ".Inf", ".INF"}))
    return (negative ? -1 : 1) * std::numeric_limits<double>::infinity();
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  if (!looks_like_number(rest)) return {};
  double value = 0;
  const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (status != std::errc() || end != rest.data() + rest.size()) return {};
  return negative ? -value : value;
}

// The kind and value of a plain scalar.
void set_plain(Value& value, std::string text) {
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) {
    value.kind = Value::Kind::null;
  } else if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
    value.kind = Value::Kind::boolean;
    value.boolean = text.size() == 4;
  } else if (const auto whole = core_integer(text)) {
    value.kind = Value::Kind::integer;
    value.integer = *whole;
    value.number = static_cast<double>(*whole);
  } else if (const auto number = core_number(text)) {
    value.kind = Value::Kind::number;
    value.number = *number;
  } else {
    value.kind = Value::Kind::string;
  }
  value.text = std::move(text);
}

std::string shortened(const std::string& text) {
  constexpr size_t kShown = 40;
  if (text.size() <= kShown) return text;
  size_t cut = kShown;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "...";
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is not one.
size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead > 0xF4 || length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const auto second = static_cast<unsigned char>(length > 1 ? text[1] : 0);
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

// What yaml-cpp would misread, silently accept or choke on, found on the bytes: not a text file,
// tabs in the indentation (JSON may have them), a line of very many open brackets (it reads a
// line's tokens before it says the first of them).
void check_bytes(std::string_view text, const std::string& file) {
  const auto fail = [&](int line, size_t column, const char* message) {
    throw Error(ErrorCode::invalid, message).at(place_at(file, line, static_cast<int>(column + 1)));
  };
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  int line = 1;
  size_t line_start = 0;
  int open = 0;  // brackets of this line; those in quotes and comments count too, hence the margin
  bool indentation = true;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    const size_t length = utf8_length(text.substr(at));
    if (length == 0) fail(line, at - line_start, "not a text in UTF-8");
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (control && c != '\t' && c != '\n' && c != '\r')
      fail(line, at - line_start, "a control character; this is not a YAML document");
    if (c == '\t' && indentation && !json)
      fail(line, at - line_start, "a tab in the indentation; YAML indents with spaces");
    if (c == '[' || c == '{') ++open;
    if (c == ']' || c == '}') --open;
    if (open > 10 * static_cast<int>(kMaxNesting))
      fail(line, at - line_start, "a line with hundreds of open brackets, nested too deep");
    at += length;
    indentation = c == '\n' || (indentation && (c == ' ' || c == '\t'));
    if (c == '\n') {
      ++line;
      line_start = at;
      open = 0;
    }
  }
}

std::string member_path(const std::string& parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

// Builds the value on an explicit stack from yaml-cpp's events. Throwing from an event also stops
// yaml-cpp's own recursion, which is what bounds its depth.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view source, const std::string& file) : source_(source), file_(file) {}

  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    if (source_.substr(std::min(static_cast<size_t>(std::max(mark.pos, 0)), source_.size()))
            .starts_with("---"))
      fail(mark, "a second document begins here; a file holds one document");
    fail(mark, "this does not belong to what stands before it",
         "check the indentation, and that every key is followed by ': '");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_tag_and_anchor(mark, {}, anchor);
    if (wants_key()) fail(mark, "an empty key; a key is a text");
    complete(start(mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    fail(mark, "an alias (*name); anchors and aliases are not part of this format",
         "write the value out, or use a parameter; a text that begins with '*' needs quotes");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check_tag_and_anchor(mark, tag, anchor);
    const bool quoted = tag == "!";
    if (quoted) check_closed(mark);
    if (!quoted) check_plain(mark, text);
    if (wants_key()) return take_key(mark, text, quoted);
    Value value = start(mark);
    if (quoted) {
      value.kind = Value::Kind::string;
      value.text = text;
      value.quoted = true;
    } else {
      set_plain(value, text);
    }
    complete(std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, Value::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, Value::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Value value;
    bool flow = false;
    bool has_key = false;  // a map's key was read, its value comes next
    std::string key;
    YAML::Mark key_mark;
    std::map<std::string, int, std::less<>> lines;  // of the keys so far
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message,
                         const std::string& hint = {}, std::string path = {}) const {
    if (path.empty() && !stack_.empty()) path = next_path();
    throw Error(ErrorCode::invalid, message)
        .at(place_at(file_, mark.line + 1, mark.column + 1, path))
        .hint(hint);
  }

  bool wants_key() const {
    return !stack_.empty() && stack_.back().value.kind == Value::Kind::map &&
           !stack_.back().has_key;
  }

  // The path of the value that begins now.
  std::string next_path() const {
    if (stack_.empty()) return {};
    const Frame& top = stack_.back();
    if (top.value.kind == Value::Kind::list)
      return fmt::format("{}[{}]", top.value.path, top.value.list.size());
    return top.has_key ? member_path(top.value.path, top.key) : top.value.path;
  }

  Value start(const YAML::Mark& mark) {
    if (++count_ > kMaxValues)
      fail(mark, fmt::format("more than the {} values a document may have", kMaxValues));
    const bool member = !stack_.empty() && stack_.back().value.kind == Value::Kind::map;
    const YAML::Mark& at = member ? stack_.back().key_mark : mark;
    Value value;
    value.file = file_;
    value.line = at.line + 1;
    value.column = at.column + 1;
    value.path = next_path();
    return value;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style, Value::Kind kind) {
    check_tag_and_anchor(mark, tag, anchor);
    if (wants_key())
      fail(mark, "a list or map as a key, or one that is never closed",
           "check for a missing ']' or '}'; a text that begins with '{' or '[' needs quotes");
    if (stack_.size() >= kMaxNesting)
      fail(mark, fmt::format("nested deeper than {} levels", kMaxNesting), {}, "(nesting)");
    Frame frame;
    frame.value = start(mark);
    frame.value.kind = kind;
    frame.flow = style == YAML::EmitterStyle::Flow || (!stack_.empty() && stack_.back().flow);
    stack_.push_back(std::move(frame));
  }

  void close() {
    Value value = std::move(stack_.back().value);
    stack_.pop_back();
    complete(std::move(value));
  }

  void complete(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& top = stack_.back();
    if (top.value.kind == Value::Kind::list) {
      top.value.list.push_back(std::move(value));
    } else {
      top.value.map.emplace_back(std::move(top.key), std::move(value));
      top.has_key = false;
    }
  }

  void take_key(const YAML::Mark& mark, const std::string& key, bool quoted) {
    Frame& top = stack_.back();
    const auto path = member_path(top.value.path, key);
    if (key.empty()) fail(mark, "an empty key; a key is a text");
    if (path.size() > kMaxPathBytes)
      fail(mark, "a key so long, or so deep, that its path goes beyond 1000 bytes", {}, "(path)");
    if (key == "<<" && !quoted)
      fail(mark, "a merge key ('<<'); merge keys are not part of this format",
           "write the members out, or use a parameter", path);
    const auto [first, fresh] = top.lines.emplace(key, mark.line + 1);
    if (!fresh)
      fail(mark, fmt::format("the key '{}' is given twice, first on line {}", key, first->second),
           {}, path);
    top.key = key;
    top.key_mark = mark;
    top.has_key = true;
  }

  void check_tag_and_anchor(const YAML::Mark& mark, std::string_view tag,
                            YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor)
      fail(mark, "an anchor (&name); anchors and aliases are not part of this format",
           "write the value out, or use a parameter; a text that begins with '&' needs quotes");
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(mark, fmt::format("a tag ({}); tags are not part of this format", tag),
           "a text that begins with '!' needs quotes");
  }

  void check_plain(const YAML::Mark& mark, const std::string& text) const {
    if (text.find('\t') != std::string::npos)
      fail(mark, "a tab inside an unquoted text", "use spaces, or quote the text");
    if (!stack_.empty() && stack_.back().flow && text.ends_with('$'))
      fail(mark, "an unquoted ${...} inside [ ] or { }, where YAML reads { as the start of a map",
           fmt::format("quote it: \"{}\"", word_at(mark)));
  }

  // yaml-cpp takes the end of the file for the closing quote.
  void check_closed(const YAML::Mark& mark) const {
    size_t at = static_cast<size_t>(std::max(mark.pos, 0));
    const char quote = at < source_.size() ? source_[at] : '\0';
    if (quote != '"' && quote != '\'') return;  // a block text
    for (++at; at < source_.size() && source_[at] != quote; ++at)
      if (quote == '"' && source_[at] == '\\') ++at;
    if (at >= source_.size()) fail(mark, "a quoted text without its closing quote");
  }

  // The word of the source at the mark, with the braces it contains: data/${a}.tif
  std::string word_at(const YAML::Mark& mark) const {
    size_t at = std::min(static_cast<size_t>(std::max(mark.pos, 0)), source_.size());
    const size_t start = at;
    bool braces = false;
    for (; at < source_.size() && at - start < 80; ++at) {
      const char c = source_[at];
      if (c == '\n' || c == '\r') break;
      if (!braces && at > start && (c == ',' || c == ']' || c == '}' || c == ' ')) break;
      if (c == '{') braces = true;
      if (c == '}') braces = false;
    }
    if (at > start && source_[at - 1] == ':') --at;  // it was a key
    return std::string(source_.substr(start, at - start));
  }

  std::string_view source_;
  const std::string& file_;
  std::vector<Frame> stack_;
  Value root_;
  int documents_ = 0;
  size_t count_ = 0;
};

// What usually causes the parser's message.
std::string syntax_hint(std::string_view message) {
  if (message == YAML::ErrorMsg::MAP_VALUE)
    return "a ':' after a key needs a space; a text that contains ': ' needs quotes";
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN)
    return "a text that begins with a special character needs quotes";
  if (one_of(message, {YAML::ErrorMsg::END_OF_MAP, YAML::ErrorMsg::END_OF_SEQ}))
    return "check the indentation of this line and of the one before it";
  if (message == YAML::ErrorMsg::END_OF_MAP_FLOW) return "a ',' or '}' is missing before here";
  if (message == YAML::ErrorMsg::END_OF_SEQ_FLOW) return "a ',' or ']' is missing before here";
  if (message == YAML::ErrorMsg::EOF_IN_SCALAR) return "a closing quote is missing";
  if (message.starts_with(YAML::ErrorMsg::INVALID_UNICODE)) return "write the character itself";
  return {};
}

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

const Value* Value::find(std::string_view key) const {
  for (const auto& [name, value] : map)
    if (name == key) return &value;
  return nullptr;
}

std::vector<std::string> Value::keys() const {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& member : map) names.push_back(member.first);
  return names;
}

std::string_view Value::kind_name() const {
  constexpr std::array<std::string_view, 7> kNames{
      "nothing", "true or false", "a whole number", "a number", "a text", "a list", "a map"};
  return kNames[static_cast<size_t>(kind)];
}

std::string Value::described() const {
  switch (kind) {
    case Kind::string:
      return fmt::format("a text ('{}')", shortened(text));
    case Kind::boolean:
      return boolean ? "true" : "false";
    case Kind::integer:
    case Kind::number:
      return fmt::format("{} ({})", kind_name(), shortened(text));
    default:
      return std::string(kind_name());
  }
}

Place Value::place() const {
  return place_at(file, line, column, path);
}

Error Value::error(std::string message) const {
  Error error(ErrorCode::invalid, std::move(message));
  error.at(place());
  return error;
}

size_t Value::count() const {
  size_t count = 1;
  for (const auto& element : list) count += element.count();
  for (const auto& member : map) count += member.second.count();
  return count;
}

size_t Value::bytes() const {
  size_t bytes = text.size();
  for (const auto& element : list) bytes += element.bytes();
  for (const auto& [key, member] : map) bytes += key.size() + member.bytes();
  return bytes;
}

bool Value::waits() const {
  return late > 0 ||
         std::any_of(list.begin(), list.end(), [](const Value& each) { return each.waits(); }) ||
         std::any_of(map.begin(), map.end(),
                     [](const auto& member) { return member.second.waits(); });
}

void Value::move_to(const Place& where) {
  file = where.file;
  line = where.line;
  column = where.column;
  path = where.key;
  Place inner = where;
  for (size_t i = 0; i < list.size(); ++i) {
    inner.key = fmt::format("{}[{}]", path, i);
    list[i].move_to(inner);
  }
  for (auto& [key, member] : map) {
    inner.key = member_path(path, key);
    member.move_to(inner);
  }
}

Value parse_yaml(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kMaxDocumentBytes)
    throw Error(ErrorCode::invalid,
                fmt::format("larger than the {} MiB a document may have", kMaxDocumentBytes >> 20))
        .at(place_at(file));
  check_bytes(text, file);
  Builder builder(text, file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& e) {
    const int line = e.mark.is_null() ? 0 : e.mark.line + 1;
    const int column = e.mark.is_null() ? 0 : e.mark.column + 1;
    throw Error(ErrorCode::invalid, "not valid YAML: " + e.msg)
        .at(place_at(file, line, column))
        .hint(syntax_hint(e.msg));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(ErrorCode::invalid, "not valid YAML").cause(e.what()).at(place_at(file));
  }
  return builder.take();
}

Value parse_yaml_scalar(std::string_view text, const std::string& origin) {
  const size_t first = text.find_first_not_of(' ');
  if (first != std::string_view::npos &&
      std::string_view("[{\"'").find(text[first]) != std::string_view::npos) {
    // Lines and columns of a command line say nothing: only the origin is kept.
    try {
      Value value = parse_yaml(text, origin);
      value.move_to(place_at(origin));
      return value;
    } catch (const Error& e) {
      throw Error(e.code(), e.message()).hint(e.hint()).cause(e.cause()).at(place_at(origin));
    }
  }
  check_bytes(text, origin);
  Value value;
  value.file = origin;
  set_plain(value, std::string(text));
  return value;
}

}  // namespace geoloom::workflow
