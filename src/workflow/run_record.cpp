// SPDX-License-Identifier: Apache-2.0
#include "workflow/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "error/spelling.h"

namespace geoloom::workflow {
namespace {

constexpr size_t kRecordLimitBytes = size_t{512} << 20;

std::string record_name(const std::string& id) {
  return "runs/" + id + "/run.json";
}

geo::TimeMs now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count() * 1000;
}

std::string late_name(const std::string& id, const std::string& what) {
  return "runs/" + id + "/late/" + what + ".json";
}

// The entries of one step among those of all: keys are "step/node" or "step.label/node".
Json entries_of(const Json& all, const std::string& step) {
  Json out = Json::object();
  for (const auto& [key, entry] : all.items())
    if (key.starts_with(step + "/") || key.starts_with(step + ".")) out[key] = entry;
  return out;
}

void add_late(RunRecord& record, const std::string& name, const Json& json) {
  if (json.contains("best")) {
    record.trials[name] = trial_outcome_from_json(json);
    return;
  }
  record.late[name] = late_values_from_json(json.at("values"));
  for (const auto& [key, to] :
       {std::pair("sources", &record.sources), std::pair("files", &record.files),
        std::pair("reports", &record.reports)})
    to->update(json.at(key));
  if (const auto windows = json.find("windows"); windows != json.end())
    record.windows[name] = windows_from_json(*windows);
}

// "2026-11-21T10:15:00Z" without separators, so that ids sort by time.
std::string compact(std::string time) {
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return time;
}

// The time in "20261121T101500Z-1a2b3c4d"; nullopt for what is no id.
std::optional<geo::TimeMs> time_of_id(const std::string& id) {
  if (id.size() < 16 || id[8] != 'T') return std::nullopt;
  return geo::parse_time(fmt::format("{}-{}-{}T{}:{}:{}", id.substr(0, 4), id.substr(4, 2),
                                     id.substr(6, 2), id.substr(9, 2), id.substr(11, 2),
                                     id.substr(13, 3)));
}

// The time that a new run's id tells: now, or what comes after the last of the runs there are.
geo::TimeMs after_last(const std::vector<std::string>& runs, geo::TimeMs now) {
  if (runs.empty()) return now;
  const auto last = time_of_id(runs.back());
  return last ? std::max(now, *last + 1000) : now;
}

}  // namespace

Json to_json(const RunRecord& record) {
  Json windows = Json::object();
  for (const auto& [step, found] : record.windows) windows[step] = windows_to_json(found);
  return {{"geoloom_run", kRunRecordVersion},
          {"id", record.id},
          {"created", record.created},
          {"build", record.build},
          {"document_file", record.document_file},
          {"document_text", record.document_text},
          {"document_files", record.document_files},
          {"parameters", record.parameters},
          {"profile", record.profile},
          {"area", area_to_json(record.area)},
          {"windows", windows},
          {"tiles", record.options.selection.tiles},
          {"sample", record.options.selection.sample},
          {"only", record.options.only},
          {"sources", record.sources},
          {"files", record.files},
          {"reports", record.reports},
          {"content_hash", record.content_hash}};
}

RunRecord run_record_from_json(const Json& json) {
  try {
    const int version = json.at("geoloom_run").get<int>();
    if (version > kRunRecordVersion)
      throw Error(ErrorCode::invalid,
                  fmt::format("run record of format {}, this Geoloom knows up to {}", version,
                              kRunRecordVersion))
          .hint("use a newer Geoloom");
    RunRecord record;
    record.id = json.at("id").get<std::string>();
    record.created = json.at("created").get<std::string>();
    record.build = json.at("build").get<std::string>();
    record.document_file = json.at("document_file").get<std::string>();
    record.document_text = json.at("document_text").get<std::string>();
    if (const auto files = json.find("document_files"); files != json.end())
      record.document_files = files->get<std::map<std::string, std::string>>();
    record.parameters = json.at("parameters");
    record.profile = json.value("profile", "");
    record.area = area_from_json(json.at("area"));
    const auto windows = json.value("windows", Json::object());
    for (const auto& [step, found] : windows.items())
      record.windows[step] = windows_from_json(found);
    record.options.selection.tiles = json.at("tiles").get<std::string>();
    record.options.selection.sample = json.at("sample").get<int64_t>();
    record.options.only = json.at("only").get<std::vector<std::string>>();
    record.sources = json.at("sources");
    record.files = json.at("files");
    record.reports = json.at("reports");
    record.content_hash = json.at("content_hash").get<std::string>();
    return record;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt, "not a run record").cause(error.what());
  }
}

RunRecord write_or_resume(store::Store& store, RunRecord record,
                          const std::function<bool(const RunRecord&)>& goes_on) {
  const auto short_hash = record.content_hash.substr(0, 8);
  auto runs = list_runs(store);
  for (auto id = runs.rbegin(); id != runs.rend(); ++id) {
    if (!id->ends_with("-" + short_hash)) continue;
    auto existing = read_run_record(store, *id);
    if (existing.content_hash != record.content_hash) continue;
    if (!goes_on || goes_on(existing)) return existing;
    break;
  }
  const auto now = now_ms();
  record.created = geo::format_time(now);
  record.id = compact(geo::format_time(after_last(runs, now))) + "-" + short_hash;
  store.put_bytes(to_json(record).dump(), record_name(record.id));
  return record;
}

RunRecord read_run_record(const store::Store& store, const std::string& id) {
  if (!store.size_of(record_name(id))) {
    const auto known = list_runs(store);
    throw Error(ErrorCode::missing, fmt::format("{} has no run '{}'", store.url(), id))
        .hint(spelling_hint(id, known));
  }
  const auto json =
      Json::parse(store.get_bytes(record_name(id), kRecordLimitBytes), nullptr, false);
  if (json.is_discarded())
    throw Error(ErrorCode::corrupt, "the run record is damaged")
        .at({.file = store.path_of(record_name(id))});
  auto record = run_record_from_json(json);
  (void)read_late(store, record);
  return record;
}

void write_late_step(store::Store& store, const RunRecord& record, const std::string& step) {
  Json json{{"geoloom_run", kRunRecordVersion},
            {"values", to_json(record.late.at(step))},
            {"sources", entries_of(record.sources, step)},
            {"files", entries_of(record.files, step)},
            {"reports", entries_of(record.reports, step)}};
  if (const auto windows = record.windows.find(step); windows != record.windows.end())
    json["windows"] = windows_to_json(windows->second);
  store.put_bytes(json.dump(), late_name(record.id, step));
}

void write_trial_outcome(store::Store& store, const RunRecord& record, const std::string& trials) {
  auto json = to_json(record.trials.at(trials));
  json["geoloom_run"] = kRunRecordVersion;
  store.put_bytes(json.dump(), late_name(record.id, trials));
}

bool read_late(const store::Store& store, RunRecord& record) {
  bool found = false;
  const auto folder = "runs/" + record.id + "/late/";
  for (const auto& name : store.list(folder)) {
    if (!name.ends_with(".json")) continue;
    const auto what = name.substr(folder.size(), name.size() - folder.size() - 5);
    if (record.late.contains(what) || record.trials.contains(what)) continue;
    try {
      add_late(record, what, Json::parse(store.get_bytes(name, kRecordLimitBytes)));
    } catch (const Json::exception& error) {
      throw Error(ErrorCode::corrupt, "what became known of the run is damaged")
          .at({.file = store.path_of(name)})
          .cause(error.what());
    }
    found = true;
  }
  return found;
}

std::vector<std::string> list_runs(const store::Store& store) {
  std::vector<std::string> ids;
  for (const auto& name : store.list("runs/")) {
    if (!name.ends_with("/run.json")) continue;
    ids.push_back(name.substr(5, name.size() - 5 - 9));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace geoloom::workflow
