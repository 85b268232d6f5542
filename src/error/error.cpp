// SPDX-License-Identifier: Apache-2.0
#include "error/error.h"

#include <fmt/format.h>

#include <array>

#include "error/secrets.h"

namespace geoloom {
namespace {

constexpr std::array<ErrorTraits, 10> kTable{{
    {ErrorCode::invalid, "invalid", RetryClass::never, true, 2, 422},
    {ErrorCode::missing, "missing", RetryClass::never, true, 5, 404},
    {ErrorCode::empty, "empty", RetryClass::never, true, kExitNothingToDo, 404},
    {ErrorCode::corrupt, "corrupt", RetryClass::never, true, 6, 422},
    {ErrorCode::unavailable, "unavailable", RetryClass::with_backoff, true, 7, 503},
    {ErrorCode::denied, "denied", RetryClass::pause_run, false, 8, 403},
    {ErrorCode::resource, "resource", RetryClass::pause_run, true, 9, 507},
    {ErrorCode::lost, "lost", RetryClass::with_backoff, true, 10, 500},
    {ErrorCode::cancelled, "cancelled", RetryClass::never, false, kExitInterrupted, 503},
    {ErrorCode::internal, "internal", RetryClass::with_backoff, true, 70, 500},
}};

void fill(std::string& target, const std::string& source) {
  if (target.empty()) target = without_secrets(source);
}

}  // namespace

const ErrorTraits& traits(ErrorCode code) {
  for (const auto& row : kTable)
    if (row.code == code) return row;
  return kTable.back();
}

ErrorCode error_code_of(std::string_view name) {
  for (const auto& row : kTable)
    if (row.name == name) return row.code;
  return ErrorCode::internal;
}

std::string Place::text() const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}", line);
  if (line > 0 && column > 0) out += fmt::format(":{}", column);
  const auto add = [&out](std::string_view label, const std::string& value) {
    if (value.empty()) return;
    if (!out.empty()) out += ", ";
    out += label;
    out += value;
  };
  add("", key);
  add("step ", step);
  add("item ", item);
  add("scene ", scene);
  return out;
}

Error::Error(ErrorCode code, std::string message)
    : code_(code), message_(without_secrets(message)) {}

Error& Error::at(Place place) {
  // A line belongs to its file: never the line of one with the name of another.
  const bool same_file =
      place_.file.empty() || place.file.empty() || place_.file == without_secrets(place.file);
  if (place_.line == 0 && same_file) {
    place_.line = place.line;
    place_.column = place.column;
  }
  fill(place_.file, place.file);
  fill(place_.key, place.key);
  fill(place_.step, place.step);
  fill(place_.item, place.item);
  fill(place_.scene, place.scene);
  return *this;
}

Error& Error::hint(std::string text) {
  fill(hint_, text);
  return *this;
}

Error& Error::cause(std::string text) {
  fill(cause_, text);
  return *this;
}

const char* Error::what() const noexcept {
  try {
    what_ = place_.text();
    if (!what_.empty()) what_ += ": ";
    what_ += message_;
    if (!cause_.empty()) what_ += " (" + cause_ + ")";
    if (!hint_.empty()) what_ += ". Hint: " + hint_;
    return what_.c_str();
  } catch (...) {
    return "error";
  }
}

}  // namespace geoloom
