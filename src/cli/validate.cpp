// SPDX-License-Identifier: Apache-2.0
// geoloom validate
#include <fmt/format.h>

#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/quantities.h"

namespace geoloom::cli {

void add_validate(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "validate", "Check a workflow: document, paths, scenes, bands; no pixel is read");
  const auto arguments = std::make_shared<DocumentArguments>();
  arguments->add_to(*command);
  command->add_flag("--json", commands.json, "Errors as JSON on stdout too");
  command->callback([arguments, &commands] {
    const auto run = arguments->create_run(commands.registry);
    for (const auto& step : run->steps())
      std::cout << fmt::format(
          "{}: {} over {} ({})\n", step.step->name, step.step->chain_text(),
          step.step->domain.text(),
          step.known ? counted(step.items.size(), "item") : "items are known when it begins");
    std::cout << "valid\n";
  });
}

}  // namespace geoloom::cli
