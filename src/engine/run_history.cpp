// SPDX-License-Identifier: Apache-2.0
#include "engine/run_history.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "engine/item_handler.h"
#include "engine/receipts.h"
#include "engine/run_control.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr int kExecutionVersion = 1;
constexpr const char* kGone = "ended without a word";

std::string executions_folder(const std::string& run_id) {
  return "runs/" + run_id + "/executions";
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

// When a process began, in ticks since the machine started; empty when there is none.
std::string start_of_process(int64_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  if (!std::getline(file, line)) return {};
  // The name before, in parentheses, may hold anything.
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  constexpr int kStartTime = 20;  // the 22nd field of the line
  std::string field;
  for (int i = 0; i < kStartTime; ++i) rest >> field;
  return field;
}

Json start_record(const RunExecution& execution) {
  return {{"geoloom_execution", kExecutionVersion},
          {"id", execution.id},
          {"event", "started"},
          {"number", execution.number},
          {"time", execution.started},
          {"by", execution.by},
          {"build", execution.build},
          {"transport", execution.transport},
          {"host", execution.host},
          {"process", execution.process},
          {"process_start", execution.process_start}};
}

void take_start(const Json& json, RunExecution& execution) {
  execution.number = json.at("number").get<int64_t>();
  execution.started = json.at("time").get<std::string>();
  execution.by = json.at("by").get<std::string>();
  execution.build = json.at("build").get<std::string>();
  execution.transport = json.at("transport").get<std::string>();
  execution.host = json.at("host").get<std::string>();
  execution.process = json.at("process").get<int64_t>();
  execution.process_start = json.at("process_start").get<std::string>();
}

void take_end(const Json& json, RunExecution& execution) {
  execution.ended = json.at("time").get<std::string>();
  execution.ending = json.at("ending").get<std::string>();
  execution.reason = json.at("reason").get<std::string>();
}

// Records of other formats are left out: the log is for people, no result depends on it.
void take_record(const std::string& payload, std::map<std::string, RunExecution>& executions) {
  const auto json = Json::parse(payload, nullptr, false);
  if (!json.is_object() || json.value("geoloom_execution", 0) != kExecutionVersion) return;
  try {
    const auto id = json.at("id").get<std::string>();
    auto execution = executions[id];
    execution.id = id;
    if (json.at("event") == "started")
      take_start(json, execution);
    else
      take_end(json, execution);
    executions[id] = execution;
  } catch (const Json::exception&) {  // NOLINT(bugprone-empty-catch): as above
  }
}

}  // namespace

std::string RunExecution::state() const {
  if (!ended.empty()) return ending;
  if (host != host_name()) return "under way, or ended without a word on " + host;
  return start_of_process(process) == process_start && !process_start.empty() ? "under way" : kGone;
}

std::vector<RunExecution> read_executions(const store::Store& store, const std::string& run_id) {
  std::map<std::string, RunExecution> by_id;
  for (const auto& payload : store::read_segments(store, executions_folder(run_id)).payloads)
    take_record(payload, by_id);
  std::vector<RunExecution> executions;
  for (auto& [id, execution] : by_id)
    if (!execution.started.empty()) executions.push_back(std::move(execution));
  // Not by their times alone: clocks jump.
  std::sort(executions.begin(), executions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.number, a.started, a.id) < std::tie(b.number, b.started, b.id);
  });
  return executions;
}

namespace {

// By one listing: each execution has a segment of its own, "<stem>-0.seg", or of older builds
// "<stem>.seg" in a folder and several in a bucket, and none goes while the run is there.
int64_t next_number(const store::Store& store, const std::string& run_id) {
  try {
    std::set<std::string> stems;
    for (const auto& name : store.list(executions_folder(run_id) + "/"))
      stems.insert(name.substr(0, name.rfind(store.local() ? '.' : '-')));
    return static_cast<int64_t>(stems.size()) + 1;
  } catch (const Error&) {
    return 0;
  }
}

}  // namespace

ExecutionLog::ExecutionLog(store::Store& store, const std::string& run_id,
                           const std::string& transport)
    : store_(store) {
  RunExecution execution;
  std::random_device random;
  execution.id = id_ = fmt::format("{:08x}{:08x}", random(), random());
  execution.number = next_number(store, run_id);
  execution.started = now_text();
  name_ = fmt::format("{}/{:06}_{}-0.seg", executions_folder(run_id), execution.number, id_);
  execution.by = this_person();
  execution.build = build_identity();
  execution.transport = transport;
  execution.host = host_name();
  execution.process = getpid();
  execution.process_start = start_of_process(execution.process);
  put(start_record(execution).dump());
}

void ExecutionLog::put(const std::string& record) {
  records_ += store::encode_record(record);
  try {
    store_.put_bytes(records_, name_);
  } catch (const Error& error) {
    problem_ = error.what();
  }
}

void ExecutionLog::ended(const std::string& ending, const std::string& reason) {
  put(Json{{"geoloom_execution", kExecutionVersion},
           {"id", id_},
           {"event", "ended"},
           {"time", now_text()},
           {"ending", ending},
           {"reason", reason}}
          .dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string state_of_run(const store::Store& store, const std::string& run_id) {
  const auto executions = read_executions(store, run_id);
  const auto control = read_control(store, run_id);
  const bool lives =
      !executions.empty() && executions.back().ended.empty() && executions.back().state() != kGone;
  if (control && !lives) return name_of(control->hold);
  if (executions.empty()) return "not started";
  auto state = executions.back().state();
  if (control) state += fmt::format(", to be {}", name_of(control->hold));
  return state;
}

}  // namespace geoloom::engine
