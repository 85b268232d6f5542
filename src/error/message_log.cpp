// SPDX-License-Identifier: Apache-2.0
#include "error/message_log.h"

#include <algorithm>

#include "error/secrets.h"

namespace geoloom {
namespace {

thread_local MessageLog* current_log = nullptr;

// A character of several bytes is not cut.
std::string shortened(std::string text) {
  if (text.size() <= MessageLog::kMostBytes) return text;
  const auto within_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
  };
  size_t end = MessageLog::kMostBytes;
  while (end > 0 && within_character(text[end])) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace

const char* name_of(MessageLevel level) {
  switch (level) {
    case MessageLevel::note:
      return "note";
    case MessageLevel::warning:
      return "warning";
    case MessageLevel::error:
      return "error";
  }
  return "note";
}

void MessageLog::add(MessageLevel level, std::string_view text) {
  const auto after = std::chrono::steady_clock::now() - begun_;
  // First, as a secret that is cut in two is not found.
  auto line = shortened(without_secrets(text));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  const std::lock_guard lock(mutex_);
  const auto same = std::find_if(messages_.begin(), messages_.end(), [&](const Message& each) {
    return each.level == level && each.text == line;
  });
  if (same != messages_.end())
    ++same->times;
  else if (messages_.size() < kMostMessages)
    messages_.push_back({std::chrono::duration<double>(after).count(), level, std::move(line), 1});
  else
    ++left_out_;
}

std::vector<Message> MessageLog::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

size_t MessageLog::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

MessageLog* MessageLog::current() {
  return current_log;
}

MessageScope::MessageScope(MessageLog* log) : before_(current_log) {
  current_log = log;
}

MessageScope::~MessageScope() {
  current_log = before_;
}

void tell(MessageLevel level, std::string_view text) {
  if (current_log != nullptr) current_log->add(level, text);
}

}  // namespace geoloom
