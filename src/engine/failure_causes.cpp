// SPDX-License-Identifier: Apache-2.0
#include "engine/failure_causes.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "engine/control_flow.h"

namespace geoloom::engine {
namespace {

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Whole names only: an item "1" is not in "10 bytes".
void replace_name(std::string& text, std::string_view name, std::string_view by) {
  if (name.empty()) return;
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    const size_t end = at + name.size();
    const bool whole = (at == 0 || !is_name_char(text[at - 1])) &&
                       (end == text.size() || !is_name_char(text[end]));
    if (whole) text.replace(at, name.size(), by);
    at += whole ? by.size() : 1;
  }
}

std::string without_numbers(std::string_view text) {
  constexpr std::string_view kStatus = "status ";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i]) || out.ends_with(kStatus)) {
      out += text[i++];
      while (i < text.size() && is_digit(text[i]) && is_digit(out.back())) out += text[i++];
      continue;
    }
    out += '#';
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return out;
}

// The scene of a printed place, which stands at its end.
std::string scene_of(const std::string& place) {
  constexpr std::string_view kLabel = "scene ";
  const auto at = place.rfind(kLabel);
  return at == std::string::npos ? std::string() : place.substr(at + kLabel.size());
}

using LastFailures = std::map<std::string, const AttemptRecord*>;

LastFailures last_failures(const std::vector<AttemptRecord>& attempts) {
  LastFailures last;
  for (const auto& attempt : attempts)
    if (attempt.state == "failed") last[attempt.step + "/" + attempt.item] = &attempt;
  return last;
}

class Grouping {
 public:
  explicit Grouping(const LastFailures& last) : last_(last) {}

  void add(const std::string& item) {
    const auto found = last_.find(item);
    if (found == last_.end()) {
      auto& cause = at("");
      cause.code = "not started";
      cause.message = "no attempt was made, or it was interrupted";
      cause.hint = "run the same command again";
      cause.items.push_back(item);
      return;
    }
    const auto& failed = *found->second;
    auto& cause = at(cause_key(failed));
    if (cause.items.empty()) {
      cause.code = failed.error_code;
      cause.message = failed.message;
      cause.hint = failed.hint;
      cause.since = failed.time;
    }
    cause.since = std::min(cause.since, failed.time);
    const auto scene = scene_of(failed.place);
    auto& scenes = cause.scenes;
    if (!scene.empty() && std::find(scenes.begin(), scenes.end(), scene) == scenes.end())
      scenes.push_back(scene);
    cause.items.push_back(item);
  }

  std::vector<FailureCause> take() { return std::move(causes_); }

 private:
  FailureCause& at(const std::string& key) {
    const auto [place, added] = places_.emplace(key, causes_.size());
    if (added) causes_.emplace_back();
    return causes_[place->second];
  }

  const LastFailures& last_;
  std::map<std::string, size_t> places_;
  std::vector<FailureCause> causes_;
};

}  // namespace

std::string cause_key(std::string_view code, std::string_view message, std::string_view item,
                      std::string_view scene) {
  std::string text(message);
  replace_name(text, item, "<item>");
  replace_name(text, scene, "<scene>");
  return std::string(code) + ": " + without_numbers(text);
}

std::string cause_key(const AttemptRecord& failed) {
  return cause_key(failed.error_code, failed.message, failed.item, scene_of(failed.place));
}

std::string cause_key(const Error& error, std::string_view item) {
  // The place in another process is told as the cause.
  const auto scene = error.place().scene.empty() ? scene_of(error.cause()) : error.place().scene;
  return cause_key(traits(error.code()).name, error.message(), item, scene);
}

std::vector<FailureCause> failure_causes(const workflow::Run& run, const RunState& state,
                                         const std::vector<AttemptRecord>& attempts) {
  const auto last = last_failures(attempts);
  Grouping grouping(last);
  ControlFlow flow(run, state);
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    const bool skipped = flow.decide(s).kind == StepDecision::Kind::skip;
    if (!step.selected || skipped) continue;
    for (size_t i = 0; i < step.items.size(); ++i)
      if (!state.receipt(s, i) && !run.given_up(step, step.items[i]))
        grouping.add(step.step->name + "/" + step.items[i].name);
  }
  return grouping.take();
}

}  // namespace geoloom::engine
