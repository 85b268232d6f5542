// SPDX-License-Identifier: Apache-2.0
// geoloom schema
#include <iostream>

#include "cli/commands.h"

namespace geoloom::cli {

void add_schema(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("schema", "JSON Schema of the workflow document, for editors");
  command->callback([&commands] {
    std::cout << workflow::document_schema(commands.registry.schemas()).dump(2) << "\n";
  });
}

}  // namespace geoloom::cli
