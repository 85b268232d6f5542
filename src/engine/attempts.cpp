// SPDX-License-Identifier: Apache-2.0
#include "engine/attempts.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/receipts.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

MessageLevel level_of(const std::string& name) {
  if (name == "error") return MessageLevel::error;
  return name == "warning" ? MessageLevel::warning : MessageLevel::note;
}

}  // namespace

Json to_json(const AttemptLog& log) {
  Json messages = Json::array();
  for (const auto& each : log.messages)
    messages.push_back({{"after_seconds", each.after_seconds},
                        {"level", name_of(each.level)},
                        {"text", each.text},
                        {"times", each.times}});
  return {{"messages", messages}, {"left_out", log.left_out}};
}

AttemptLog attempt_log_from_json(const Json& json) {
  AttemptLog log;
  for (const auto& each : json.at("messages"))
    log.messages.push_back({each.at("after_seconds").get<double>(),
                            level_of(each.at("level").get<std::string>()),
                            each.at("text").get<std::string>(), each.at("times").get<size_t>()});
  log.left_out = json.at("left_out").get<size_t>();
  return log;
}

void AttemptRecord::fail(const Error& error) {
  state = "failed";
  error_code = traits(error.code()).name;
  message = error.message();
  place = error.place().text();
  hint = error.hint();
  cause = error.cause();
}

Json to_json(const AttemptRecord& record) {
  Json json{{"time", record.time},
            {"step", record.step},
            {"item", record.item},
            {"attempt", record.attempt},
            {"state", record.state},
            {"wall_seconds", record.wall_seconds},
            {"seconds",
             {{"read", record.seconds.read},
              {"compute", record.seconds.compute},
              {"encode", record.seconds.encode}}},
            {"memory_bytes", record.memory_bytes},
            {"error", record.error_code},
            {"message", record.message},
            {"place", record.place},
            {"hint", record.hint},
            {"cause", record.cause}};
  if (!record.log.empty()) json["log"] = to_json(record.log);
  return json;
}

AttemptRecord attempt_from_json(const Json& json) {
  AttemptRecord record;
  record.time = json.value("time", "");
  record.step = json.value("step", "");
  record.item = json.value("item", "");
  record.attempt = json.value("attempt", 1);
  record.state = json.value("state", "");
  record.wall_seconds = json.value("wall_seconds", 0.0);
  const auto seconds = json.value("seconds", Json::object());
  record.seconds = {seconds.value("read", 0.0), seconds.value("compute", 0.0),
                    seconds.value("encode", 0.0)};
  record.memory_bytes = json.value("memory_bytes", size_t{0});
  record.error_code = json.value("error", "");
  record.message = json.value("message", "");
  record.place = json.value("place", "");
  record.hint = json.value("hint", "");
  record.cause = json.value("cause", "");
  if (const auto log = json.find("log"); log != json.end())
    record.log = attempt_log_from_json(*log);
  return record;
}

AttemptRecord attempt_of(const Receipt& receipt) {
  AttemptRecord record;
  record.time = receipt.finished;
  record.step = receipt.step;
  record.item = receipt.item;
  record.attempt = receipt.attempt;
  record.state = receipt.empty ? "empty" : "done";
  record.wall_seconds = receipt.wall_seconds;
  record.seconds = {receipt.read_seconds, receipt.compute_seconds, receipt.encode_seconds};
  record.memory_bytes = receipt.memory_bytes;
  record.log = receipt.log;
  auto& messages = record.log.messages;
  for (const auto& dropped : receipt.dropped)
    messages.push_back({receipt.wall_seconds, MessageLevel::warning,
                        fmt::format("scene {} left out: {}", dropped.scene, dropped.reason)});
  for (const auto& note : receipt.notes)
    messages.push_back({receipt.wall_seconds, MessageLevel::note, note});
  return record;
}

std::string attempts_folder(const std::string& run_id) {
  return "runs/" + run_id + "/attempts";
}

AttemptReader::AttemptReader(const store::Store& store, const std::string& run_id,
                             AttemptsWanted wanted)
    : run_id_(run_id),
      wanted_(wanted),
      failures_(store, attempts_folder(run_id)),
      receipts_(store, kReceiptsFolder) {}

std::vector<AttemptRecord> AttemptReader::read_new() {
  std::vector<AttemptRecord> attempts;
  for (const auto& payload : failures_.read_new().payloads) {
    const auto json = Json::parse(payload, nullptr, false);
    if (json.is_object()) attempts.push_back(attempt_from_json(json));
  }
  if (wanted_ == AttemptsWanted::failed) {
    std::erase_if(attempts, [](const auto& attempt) { return attempt.state != "failed"; });
  } else {
    for (const auto& payload : receipts_.read_new().payloads) {
      if (payload.find(run_id_) == std::string::npos) continue;
      const auto receipt = receipt_from_text(payload);
      if (receipt && receipt->run == run_id_) attempts.push_back(attempt_of(*receipt));
    }
  }
  // Segments of several processes, and of clocks that jump, are not in order.
  std::stable_sort(attempts.begin(), attempts.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  return attempts;
}

std::vector<AttemptRecord> read_attempts(const store::Store& store, const std::string& run_id) {
  return AttemptReader(store, run_id, AttemptsWanted::all).read_new();
}

std::vector<AttemptRecord> read_failed_attempts(const store::Store& store,
                                                const std::string& run_id) {
  return AttemptReader(store, run_id, AttemptsWanted::failed).read_new();
}

}  // namespace geoloom::engine
