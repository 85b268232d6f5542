// SPDX-License-Identifier: Apache-2.0
#include "engine/run_waits.h"

#include <fmt/format.h>

#include <algorithm>

#include "catalog/href.h"
#include "gdal/dataset.h"
#include "store/segments.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr int kApprovalVersion = 1;

std::string approvals_folder(const std::string& run_id) {
  return "runs/" + run_id + "/approvals";
}

}  // namespace

std::vector<Approval> read_approvals(const store::Store& store, const std::string& run_id) {
  std::vector<Approval> approvals;
  for (const auto& payload : store::read_segments(store, approvals_folder(run_id)).payloads) {
    const auto json = Json::parse(payload, nullptr, false);
    if (!json.is_object() || json.value("geoloom_approval", 0) != kApprovalVersion) continue;
    try {
      approvals.push_back({json.at("step").get<std::string>(), json.at("by").get<std::string>(),
                           json.at("time").get<std::string>(), json.at("note").get<std::string>()});
    } catch (const Json::exception&) {  // NOLINT(bugprone-empty-catch): approves nothing
    }
  }
  return approvals;
}

void record_approval(store::Store& store, const std::string& run_id, const Approval& approval) {
  store::SegmentWriter segments(store, approvals_folder(run_id));
  segments.append(Json{
      {"geoloom_approval", kApprovalVersion},
      {"step", approval.step},
      {"by", approval.by},
      {"time", approval.time},
      {"note",
       approval.note}}.dump());
  segments.flush();
}

std::string waited_for(const workflow::Step& step, const store::Store& store,
                       const std::string& run_id) {
  const auto& wait = step.policy.waits_for;
  if (!wait) return {};
  if (!wait->file.empty()) {
    if (gdal::file_status(catalog::gdal_path(wait->file))) return {};
    return fmt::format("it waits for the file {}", wait->file);
  }
  const auto approvals = read_approvals(store, run_id);
  const bool approved =
      std::any_of(approvals.begin(), approvals.end(),
                  [&](const Approval& approval) { return approval.step == step.name; });
  if (approved) return {};
  return fmt::format("it waits for a person: {}. To approve: geoloom runs approve {} {} --store {}",
                     wait->person, run_id, step.name, store.url());
}

}  // namespace geoloom::engine
