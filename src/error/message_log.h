// SPDX-License-Identifier: Apache-2.0
// What is told while one piece of work goes on, such as an attempt at an item: warnings of
// libraries, requests that were sent again, scenes that were left out. Who tells need not know who
// listens: messages go to the log of the thread, and are dropped where a thread has none. Who
// shares work out to other threads hands the log on.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom {

enum class MessageLevel { note, warning, error };
const char* name_of(MessageLevel level);  // "note", "warning", "error"

struct Message {
  double after_seconds = 0;  // since the log was begun
  MessageLevel level = MessageLevel::note;
  std::string text;  // one line
  size_t times = 1;  // told again in the same words
};

// Of bounded size: further messages are counted. Thread-safe.
class MessageLog {
 public:
  static constexpr size_t kMostMessages = 50;
  static constexpr size_t kMostBytes = 500;  // of one message

  MessageLog() = default;
  MessageLog(const MessageLog&) = delete;
  MessageLog& operator=(const MessageLog&) = delete;

  // Kept without_secrets(), shortened, without line ends.
  void add(MessageLevel level, std::string_view text);
  std::vector<Message> messages() const;
  size_t left_out() const;

  // That of the calling thread; null: it has none.
  static MessageLog* current();

 private:
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::vector<Message> messages_;
  size_t left_out_ = 0;
};

// Makes a log, or none, that of the calling thread for as long as it lives.
class MessageScope {
 public:
  explicit MessageScope(MessageLog* log);
  MessageScope(const MessageScope&) = delete;
  MessageScope& operator=(const MessageScope&) = delete;
  ~MessageScope();

 private:
  MessageLog* before_;
};

// To the log of the calling thread.
void tell(MessageLevel level, std::string_view text);

}  // namespace geoloom
