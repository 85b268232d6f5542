// SPDX-License-Identifier: Apache-2.0
#include "serve/journal.h"

#include <iostream>

#include "engine/receipts.h"

namespace geoloom::serve {
namespace {

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "DEBUG";
    case Severity::info:
      return "INFO";
    case Severity::warning:
      return "WARNING";
    case Severity::error:
      return "ERROR";
  }
  return "INFO";
}

}  // namespace

Journal::Journal(std::function<void(const std::string&)> write) : write_(std::move(write)) {
  if (!write_) write_ = [](const std::string& line) { std::cerr << line + "\n" << std::flush; };
}

void Journal::log(Severity severity, const std::string& message, workflow::OrderedJson facts) {
  workflow::OrderedJson line{
      {"time", engine::now_text()}, {"severity", name_of(severity)}, {"message", message}};
  if (facts.is_object())
    for (auto& [key, value] : facts.items()) line[key] = std::move(value);
  // Names come from outside and need not be UTF-8.
  const auto text = line.dump(-1, ' ', false, workflow::OrderedJson::error_handler_t::replace);
  const std::lock_guard lock(mutex_);
  write_(text);
}

workflow::OrderedJson error_json(const Error& error) {
  return {{"code", std::string(traits(error.code()).name)},
          {"message", error.message()},
          {"place", error.place().text()},
          {"hint", error.hint()}};
}

}  // namespace geoloom::serve
