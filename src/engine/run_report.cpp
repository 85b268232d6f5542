// SPDX-License-Identifier: Apache-2.0
#include "engine/run_report.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>

#include "engine/item_handler.h"
#include "engine/run_failures.h"
#include "engine/run_report_template.h"
#include "gdal/dataset.h"
#include "http/base64.h"
#include "kernels/target.h"

namespace geoloom::engine {
namespace {

using workflow::OrderedJson;

// Bins of durations: five for each power of ten.
constexpr double kBinsPerDecade = 5;
constexpr double kShortestSeconds = 1e-4;
constexpr size_t kSlowestItems = 10;

// Of sorted values, by nearest rank.
template <class T>
T percentile(const std::vector<T>& sorted, double share) {
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

// {"first", "counts"}: bin k holds 10^((first + k) / 5) up to 10^((first + k + 1) / 5) seconds.
OrderedJson histogram_of(const std::vector<double>& sorted_seconds) {
  const auto bin = [](double seconds) {
    return static_cast<int>(
        std::floor(kBinsPerDecade * std::log10(std::max(seconds, kShortestSeconds)) + 1e-9));
  };
  const int first = bin(sorted_seconds.front());
  std::vector<size_t> counts(static_cast<size_t>(bin(sorted_seconds.back()) - first) + 1);
  for (const double seconds : sorted_seconds) ++counts[static_cast<size_t>(bin(seconds) - first)];
  return {{"first", first}, {"counts", counts}};
}

OrderedJson durations_json(const StepFacts& facts) {
  std::vector<double> seconds;
  for (const auto& item : facts.items)
    if (item.timed) seconds.push_back(item.wall_seconds);
  if (seconds.empty()) return nullptr;
  std::sort(seconds.begin(), seconds.end());
  return {{"p50", percentile(seconds, 0.5)},  {"p90", percentile(seconds, 0.9)},
          {"p99", percentile(seconds, 0.99)}, {"least", seconds.front()},
          {"most", seconds.back()},           {"histogram", histogram_of(seconds)}};
}

OrderedJson seconds_json(const StepFacts& facts) {
  double read = 0, compute = 0, encode = 0, wall = 0;
  for (const auto& item : facts.items) {
    read += item.read_seconds;
    compute += item.compute_seconds;
    encode += item.encode_seconds;
    wall += item.wall_seconds;
  }
  return {{"input", read}, {"compute", compute}, {"output", encode}, {"wall", wall}};
}

OrderedJson memory_json(const StepFacts& facts) {
  std::vector<uint64_t> bytes;
  for (const auto& item : facts.items)
    if (item.timed) bytes.push_back(item.memory_bytes);
  if (bytes.empty()) return nullptr;
  std::sort(bytes.begin(), bytes.end());
  return {{"p50", percentile(bytes, 0.5)}, {"most", bytes.back()}};
}

OrderedJson slowest_json(const workflow::StepRun& step, const StepFacts& facts) {
  std::vector<size_t> order;
  for (size_t i = 0; i < facts.items.size(); ++i)
    if (facts.items[i].timed) order.push_back(i);
  const auto slower = [&](size_t a, size_t b) {
    const auto &x = facts.items[a], &y = facts.items[b];
    return x.wall_seconds != y.wall_seconds ? x.wall_seconds > y.wall_seconds : a < b;
  };
  const auto wanted = std::min(order.size(), kSlowestItems);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                    slower);
  auto json = OrderedJson::array();
  for (size_t k = 0; k < wanted; ++k)
    json.push_back(
        {{"item", step.items[order[k]].name}, {"seconds", facts.items[order[k]].wall_seconds}});
  return json;
}

OrderedJson parameters_json(const workflow::RunRecord& record) {
  auto json = OrderedJson::array();
  for (const auto& [name, entry] : record.parameters.items())
    json.push_back({{"name", name}, {"value", entry.at("value")}, {"origin", entry.at("origin")}});
  return json;
}

OrderedJson pictures_json(const std::vector<ReportPicture>& pictures) {
  auto json = OrderedJson::array();
  for (const auto& picture : pictures)
    json.push_back(
        {{"layer", picture.layer},
         {"item", picture.item},
         {"source", fmt::format("data:{};base64,{}", picture.media_type,
                                http::encode_base64(picture.bytes, http::Base64::standard))}});
  return json;
}

OrderedJson executions_json(const std::vector<RunExecution>& executions) {
  auto json = OrderedJson::array();
  for (const auto& execution : executions)
    json.push_back({{"number", execution.number},
                    {"started", execution.started},
                    {"ended", execution.ended},
                    {"by", execution.by},
                    {"build", execution.build},
                    {"transport", execution.transport},
                    {"state", execution.state()},
                    {"reason", execution.reason}});
  return json;
}

OrderedJson run_json(const workflow::RunRecord& record, const RunFacts& facts,
                     const std::string& store_url) {
  return {{"id", record.id},
          {"created", record.created},
          {"document", record.document_file},
          {"store", store_url},
          {"trial", record.trial()},
          {"running", facts.running},
          {"ended_because", facts.ended_because}};
}

}  // namespace

std::string compressed(const std::string& text) {
  auto size = compressBound(text.size());
  std::string bytes(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(),
                Z_DEFAULT_COMPRESSION) != Z_OK)
    throw Error(ErrorCode::resource, "a report could not be compressed: out of memory");
  bytes.resize(size);
  return http::encode_base64(bytes, http::Base64::standard);
}

RunReport::RunReport(const workflow::Run& run, std::string store_url)
    : run_(run),
      store_url_(std::move(store_url)),
      places_(compressed(
          item_places(run).dump(-1, ' ', false, OrderedJson::error_handler_t::replace))) {}

OrderedJson RunReport::step_json(size_t s, const StepFacts& facts) const {
  const auto& step = run_.steps()[s];
  std::string letters;
  size_t attempts = 0;
  int64_t written_bytes = 0;
  std::map<char, size_t> counts;
  for (const auto& item : facts.items) {
    letters += static_cast<char>(item.state);
    ++counts[letters.back()];
    attempts += static_cast<size_t>(item.attempts);
    written_bytes += item.written_bytes;
  }
  OrderedJson by_state = OrderedJson::object();
  for (const char* state = kItemStates; *state; ++state)
    by_state[std::string(1, *state)] = counts[*state];
  return {{"name", step.step->name},
          {"over", step.step->domain.text()},
          {"ops", step.step->chain_text()},
          {"layers", step.step->layers_made},
          {"selected", step.selected},
          {"items", facts.items.size()},
          {"counts", by_state},
          {"skipped", facts.skipped},
          {"attempts", attempts},
          {"written_bytes", written_bytes},
          {"started", facts.started},
          {"ended", facts.ended},
          {"seconds", seconds_json(facts)},
          {"durations", durations_json(facts)},
          {"memory_bytes", memory_json(facts)},
          {"slowest", slowest_json(step, facts)},
          {"states", run_lengths_of_letters(letters)}};
}

OrderedJson RunReport::steps_json(const RunFacts& facts) const {
  auto json = OrderedJson::array();
  for (size_t s = 0; s < facts.steps.size(); ++s) json.push_back(step_json(s, facts.steps[s]));
  return json;
}

OrderedJson RunReport::json(const RunFacts& facts, const std::vector<ReportPicture>& pictures,
                            const OrderedJson& metrics, const std::string& written) const {
  const auto& record = run_.record();
  return {{"geoloom_run_report", kRunReportVersion},
          {"written", written},
          {"run", run_json(record, facts, store_url_)},
          {"steps", steps_json(facts)},
          {"failures", failures_json(run_, facts)},
          {"metrics", metrics},
          {"pictures", pictures_json(pictures)},
          {"parameters", parameters_json(record)},
          {"document_text", record.document_text},
          {"notes", facts.notes},
          {"peak_memory_bytes", facts.peak_memory_bytes},
          {"executions", executions_json(facts.executions)},
          {"versions",
           {{"run made by", record.build},
            {"report made by", build_identity()},
            {"GDAL", gdal::version()},
            {"processor target", kernels::chosen_target()}}},
          {"places", places_}};
}

std::string run_report_page(const OrderedJson& report) {
  // '<' never stands in the element of the data, so neither "</script>" nor "<!--" can.
  std::string data;
  for (const char c : report.dump(-1, ' ', false, OrderedJson::error_handler_t::replace)) {
    if (c == '<')
      data += "\\u003c";
    else
      data += c;
  }
  const auto page = run_report_template();
  constexpr std::string_view kPlace = "\"the run report goes here\"";
  const auto at = page.find(kPlace);
  if (at == std::string_view::npos)
    throw Error(ErrorCode::internal, "the page of the run report has no place for its data");
  std::string text(page.substr(0, at));
  return text.append(data).append(page.substr(at + kPlace.size()));
}

}  // namespace geoloom::engine
