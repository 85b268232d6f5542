// SPDX-License-Identifier: Apache-2.0
// geoloom runs metrics: what steps measured, as a table, as JSON, and for TensorBoard.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "cli/opened_run.h"
#include "cli/quantities.h"
#include "cli/runs_commands.h"
#include "engine/run_metrics.h"
#include "gdal/dataset.h"
#include "geo/time.h"

namespace geoloom::cli {
namespace {

struct MetricsArguments {
  std::string store, run, layer, item, tensorboard;
};

// A folder for each: TensorBoard lists them one by one.
constexpr size_t kMostTensorboardRuns = 1000;

std::vector<engine::ItemMetrics> chosen_metrics(const OpenedRun& opened,
                                                const MetricsArguments& arguments) {
  std::vector<engine::ItemMetrics> chosen;
  for (size_t s = 0; s < opened.run->steps().size(); ++s)
    for (size_t i = 0; i < opened.run->steps()[s].items.size(); ++i) {
      const auto* receipt = opened.state->receipt(s, i);
      if (receipt == nullptr) continue;
      for (auto& item : engine::metrics_of(*receipt)) {
        // Results are shared by runs: the step of this one may be called otherwise.
        item.step = opened.run->steps()[s].step->name;
        item.item = opened.run->steps()[s].items[i].name;
        if ((arguments.layer.empty() || item.layer == arguments.layer) &&
            (arguments.item.empty() || item.item == arguments.item))
          chosen.push_back(std::move(item));
      }
    }
  return chosen;
}

std::string unit_of(const workflow::Metrics& metrics, const std::string& name) {
  const auto unit = metrics.units.find(name);
  return unit == metrics.units.end() ? "" : " " + unit->second;
}

void print(const engine::ItemMetrics& item) {
  const auto& metrics = item.metrics;
  std::cout << fmt::format("{}/{}\n", item.layer, item.item);
  for (const auto& [name, scalar] : metrics.scalars)
    std::cout << fmt::format("  {} = {}{}\n", name, scalar.text(), unit_of(metrics, name));
  for (const auto& [name, series] : metrics.series)
    std::cout << fmt::format(
        "  {}: series of {}{}\n", name, counted(series.values.size(), "value"),
        series.values.empty() ? "" : fmt::format(", the last one {}", series.values.back()));
  for (const auto& [name, curve] : metrics.curves)
    std::cout << fmt::format("  {}: curve, {} over {}, {}\n", name, curve.y_name, curve.x_name,
                             counted(curve.x.size(), "point"));
  for (const auto& [name, matrix] : metrics.matrices)
    std::cout << fmt::format("  {}: matrix of {} {} by {} {}\n", name, matrix.rows.size(),
                             matrix.row_name, matrix.columns.size(), matrix.column_name);
}

// One of TensorBoard's runs for each item: its tags are the names of the metrics.
size_t write_tensorboard(const std::vector<engine::ItemMetrics>& metrics, const std::string& run,
                         const std::string& folder) {
  if (metrics.size() > kMostTensorboardRuns)
    throw Error(ErrorCode::invalid,
                fmt::format("--tensorboard: {} items are more than TensorBoard can list, {}",
                            metrics.size(), kMostTensorboardRuns))
        .hint("choose some with --layer or --item");
  size_t written = 0;
  for (const auto& item : metrics) {
    const auto points = engine::scalar_points(item);
    if (points.empty()) continue;
    const auto time = geo::parse_time(item.finished).value_or(0);
    const auto place = fmt::format("{}/{}/{}/{}", folder, run, item.layer, item.item);
    std::error_code error;
    if (!gdal::is_remote(folder)) std::filesystem::create_directories(place, error);
    if (error)
      throw Error(ErrorCode::denied, fmt::format("--tensorboard: {}", error.message()))
          .at({.file = place});
    gdal::write_file(
        fmt::format("{}/{}", place, engine::tensorboard_file_name(time / 1000, "geoloom")),
        engine::tensorboard_events(points));
    ++written;
  }
  return written;
}

void print_json(const std::vector<engine::ItemMetrics>& metrics) {
  auto json = workflow::OrderedJson::array();
  for (const auto& item : metrics)
    json.push_back({{"step", item.step},
                    {"layer", item.layer},
                    {"item", item.item},
                    {"metrics", workflow::to_json(item.metrics)}});
  std::cout << json.dump(1) << "\n";
}

void metrics(const MetricsArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments.store, arguments.run, commands.registry);
  const auto chosen = chosen_metrics(opened, arguments);
  if (commands.json) {
    print_json(chosen);
  } else if (arguments.tensorboard.empty()) {
    for (const auto& item : chosen) print(item);
    if (chosen.empty()) std::cerr << "no step has measured anything\n";
  }
  if (arguments.tensorboard.empty()) return;
  const auto written = write_tensorboard(chosen, opened.run->record().id, arguments.tensorboard);
  std::cerr << fmt::format("{} written; look at them with: tensorboard --logdir {}\n",
                           counted(written, "event file"), arguments.tensorboard);
}

}  // namespace

void add_runs_metrics(CLI::App& runs, Commands& commands) {
  auto* command = runs.add_subcommand("metrics", "What the steps of a run measured");
  const auto arguments = std::make_shared<MetricsArguments>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_flag("--json", commands.json, "As JSON");
  command->add_option("RUN", arguments->run, "Run id; default: the latest");
  command->add_option("--layer", arguments->layer, "Only of this layer");
  command->add_option("--item", arguments->item, "Only of this item");
  command->add_option("--tensorboard", arguments->tensorboard,
                      "Write event files of TensorBoard into this folder");
  command->callback([arguments, &commands] { metrics(*arguments, commands); });
}

}  // namespace geoloom::cli
