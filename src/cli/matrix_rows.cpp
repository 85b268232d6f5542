// SPDX-License-Identifier: Apache-2.0
#include "cli/matrix_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "error/error.h"

namespace geoloom::cli {
namespace {

using workflow::OrderedJson;

struct RowResult {
  std::string state;  // "done", "failed" ..., as a run ends; "error": it could not begin
  std::string error;
  ExecutionReport report;
};

size_t total_of(const RowResult& result, const char* count) {
  size_t total = 0;
  const auto steps = result.report.summary.find("steps");
  if (steps == result.report.summary.end()) return 0;
  for (const auto& step : *steps) total += step.at(count).get<size_t>();
  return total;
}

std::string run_of(const RowResult& result) {
  return result.report.summary.value("run", "");
}

RowResult carried_out(const MatrixRow& row,
                      const std::function<ExecutionReport(const MatrixRow&)>& run_one) {
  RowResult result;
  try {
    result.report = run_one(row);
    result.state = result.report.summary.value("ending", "failed");
  } catch (const Error& error) {
    result.state = "error";
    result.error = error.what();
    result.report.exit_code = traits(error.code()).exit_code;
    std::cerr << fmt::format("error: {}: {}\n", row.place, error.what());
  }
  return result;
}

void print_table(const std::vector<MatrixRow>& rows, const std::vector<RowResult>& results) {
  std::vector<std::array<std::string, 7>> cells{
      {"row", "", "state", "made", "unchanged", "failed", "run"}};
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i >= results.size()) {
      cells.push_back({rows[i].place, rows[i].label, "not started", "", "", "", ""});
      continue;
    }
    const auto& result = results[i];
    cells.push_back({rows[i].place, rows[i].label, result.state,
                     fmt::format("{}", total_of(result, "done")),
                     fmt::format("{}", total_of(result, "unchanged")),
                     fmt::format("{}", total_of(result, "failed")), run_of(result)});
  }
  std::array<size_t, 7> widths{};
  for (const auto& line : cells)
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  for (const auto& line : cells) {
    std::string text;
    for (size_t c = 0; c < line.size(); ++c) text += fmt::format("{:<{}}  ", line[c], widths[c]);
    std::cout << text.substr(0, text.find_last_not_of(' ') + 1) << "\n";
  }
}

OrderedJson to_json(const MatrixRow& row, const RowResult* result) {
  OrderedJson json{{"row", row.place}, {"label", row.label}};
  OrderedJson parameters = OrderedJson::object();
  for (const auto& [name, given] : row.given) parameters[name] = workflow::to_json(given.value);
  json["parameters"] = std::move(parameters);
  json["state"] = result == nullptr ? "not started" : result->state;
  if (result == nullptr) return json;
  if (!result->error.empty()) json["error"] = result->error;
  for (const auto& [key, value] : result->report.summary.items()) json[key] = value;
  json["exit_code"] = result->report.exit_code;
  return json;
}

bool interrupted(const RowResult& result) {
  return result.report.exit_code == kExitInterrupted || result.report.exit_code == kExitTerminated;
}

}  // namespace

std::vector<MatrixRow> rows_of_matrix(const DocumentArguments& arguments, const std::string& path,
                                      const workflow::Registry& registry) {
  auto rows = read_matrix(path, workflow::read_document(arguments.workflow));
  std::vector<MatrixTarget> targets;
  for (const auto& row : rows) {
    try {
      const auto compiled = workflow::compile(arguments.load(&row), registry);
      MatrixTarget target{row.place, compiled.document.store.text, {}};
      for (const auto& [layer, step] : compiled.layer_producer) target.layers.push_back(layer);
      targets.push_back(std::move(target));
    } catch (const Error& error) {
      // A mistake may stand in the document and come about by the row alone.
      throw Error(error.code(), error.message())
          .at(error.place())
          .hint(error.hint())
          .cause(error.cause().empty() ? "with the parameters of " + row.place : error.cause());
    }
  }
  check_stores(targets);
  return rows;
}

int run_rows(const std::vector<MatrixRow>& rows,
             const std::function<ExecutionReport(const MatrixRow&)>& run_one, bool json) {
  std::vector<RowResult> results;
  int exit_code = kExitSuccess;
  for (const auto& row : rows) {
    std::cerr << fmt::format("{} {}:\n", row.place, row.label);
    results.push_back(carried_out(row, run_one));
    if (interrupted(results.back())) {
      exit_code = results.back().report.exit_code;
      break;
    }
    const auto code = results.back().report.exit_code;
    // A row of which no scene touches anything is as done as it can be.
    if (code != kExitSuccess && code != kExitNothingToDo) exit_code = kExitItemsFailed;
  }
  if (!json) {
    print_table(rows, results);
    return exit_code;
  }
  auto list = OrderedJson::array();
  for (size_t i = 0; i < rows.size(); ++i)
    list.push_back(to_json(rows[i], i < results.size() ? &results[i] : nullptr));
  std::cout << list.dump(1) << "\n";
  return exit_code;
}

}  // namespace geoloom::cli
