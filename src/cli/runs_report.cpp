// SPDX-License-Identifier: Apache-2.0
// geoloom runs report
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/opened_run.h"
#include "cli/runs_commands.h"
#include "engine/report_pictures.h"
#include "engine/run_metrics.h"
#include "engine/run_report_writer.h"
#include "gdal/dataset.h"

namespace geoloom::cli {
namespace {

struct ReportArguments {
  std::string store, run, output;
};

void report(const ReportArguments& arguments, const Commands& commands) {
  const auto opened = open_run(arguments.store, arguments.run, commands.registry);
  const auto& run = *opened.run;
  auto facts = engine::facts_of(run, *opened.state,
                                engine::read_failed_attempts(*opened.store, run.record().id));
  engine::add_executions(facts, engine::read_executions(*opened.store, run.record().id));
  engine::ReportPictures pictures(*opened.store);
  engine::MetricsSummary metrics;
  for (size_t s = 0; s < run.steps().size(); ++s)
    for (size_t i = 0; i < run.steps()[s].items.size(); ++i)
      if (const auto* receipt = opened.state->receipt(s, i)) {
        pictures.offer(*receipt);
        metrics.offer(*receipt);
      }
  const auto json = engine::RunReport(run, opened.store->url())
                        .json(facts, pictures.pictures(), metrics.json(), engine::now_text());
  if (commands.json) {
    std::cout << json.dump(1, ' ', false, workflow::OrderedJson::error_handler_t::replace) << "\n";
    return;
  }
  const auto page = engine::run_report_page(json);
  if (arguments.output.empty()) {
    const auto name = engine::run_report_name(run.record().id);
    opened.store->put_bytes(page, name);
    std::cout << opened.store->path_of(name) << "\n";
    return;
  }
  gdal::write_file(arguments.output, page);
  std::cout << arguments.output << "\n";
}

}  // namespace

void add_runs_report(CLI::App& runs, Commands& commands) {
  auto* command = runs.add_subcommand("report", "Write what a run did as one HTML file");
  const auto arguments = std::make_shared<ReportArguments>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_option("RUN", arguments->run, "Run id; default: the latest");
  command->add_option("--output", arguments->output,
                      "File to write; default: runs/<id>/report.html in the store");
  command->add_flag("--json", commands.json, "What the page shows, as JSON on stdout");
  command->callback([arguments, &commands] { report(*arguments, commands); });
}

}  // namespace geoloom::cli
