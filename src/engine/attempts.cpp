// SPDX-License-Identifier: Apache-2.0
#include "engine/attempts.h"

#include <algorithm>

namespace geoloom::engine {

using workflow::Json;

void AttemptRecord::fail(const Error& error) {
  state = "failed";
  error_code = traits(error.code()).name;
  message = error.message();
  place = error.place().text();
  hint = error.hint();
  cause = error.cause();
}

Json to_json(const AttemptRecord& record) {
  return {{"time", record.time},        {"step", record.step},
          {"item", record.item},        {"attempt", record.attempt},
          {"state", record.state},      {"wall_seconds", record.wall_seconds},
          {"error", record.error_code}, {"message", record.message},
          {"place", record.place},      {"hint", record.hint},
          {"cause", record.cause}};
}

AttemptRecord attempt_from_json(const Json& json) {
  AttemptRecord record;
  record.time = json.value("time", "");
  record.step = json.value("step", "");
  record.item = json.value("item", "");
  record.attempt = json.value("attempt", 1);
  record.state = json.value("state", "");
  record.wall_seconds = json.value("wall_seconds", 0.0);
  record.error_code = json.value("error", "");
  record.message = json.value("message", "");
  record.place = json.value("place", "");
  record.hint = json.value("hint", "");
  record.cause = json.value("cause", "");
  return record;
}

std::string attempts_folder(const std::string& run_id) {
  return "runs/" + run_id + "/attempts";
}

namespace {

void add_attempt(const std::string& payload, std::vector<AttemptRecord>& attempts) {
  const auto json = Json::parse(payload, nullptr, false);
  if (json.is_object()) attempts.push_back(attempt_from_json(json));
}

// Segments of several processes, and of clocks that jump, are not in order.
std::vector<AttemptRecord> in_order_of_time(std::vector<AttemptRecord> attempts) {
  std::stable_sort(attempts.begin(), attempts.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  return attempts;
}

}  // namespace

AttemptReader::AttemptReader(const store::Store& store, const std::string& run_id)
    : segments_(store, attempts_folder(run_id)) {
  (void)segments_.read_new();
}

std::vector<AttemptRecord> AttemptReader::read_new() {
  std::vector<AttemptRecord> attempts;
  for (const auto& payload : segments_.read_new().payloads) add_attempt(payload, attempts);
  return attempts;
}

std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id) {
  std::vector<AttemptRecord> attempts;
  for (const auto& payload : store::read_segments(store, attempts_folder(run_id)).payloads)
    add_attempt(payload, attempts);
  return in_order_of_time(std::move(attempts));
}

std::vector<AttemptRecord> read_failed_attempts(const store::Store& store,
                                                const std::string& run_id) {
  std::vector<AttemptRecord> attempts;
  for (const auto& payload : store::read_segments(store, attempts_folder(run_id)).payloads)
    if (payload.find("\"failed\"") != std::string::npos) add_attempt(payload, attempts);
  std::erase_if(attempts, [](const auto& attempt) { return attempt.state != "failed"; });
  return in_order_of_time(std::move(attempts));
}

}  // namespace geoloom::engine
