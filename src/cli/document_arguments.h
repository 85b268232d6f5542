// SPDX-License-Identifier: Apache-2.0
// The arguments of every command that takes a workflow document.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/parameter_matrix.h"
#include "engine/runner.h"
#include "workflow/run.h"

namespace geoloom::cli {

struct DocumentArguments {
  std::string workflow;
  std::vector<std::string> settings;         // -p name=value
  std::vector<std::string> parameter_files;  // -P
  std::string profile;
  std::string tiles;
  int64_t sample = 0;
  std::string only;
  std::string resolution;

  void add_to(CLI::App& command);
  void add_document_to(CLI::App& command);  // without what chooses items and steps
  // Parsed and resolved; of a row of a matrix, with its parameters.
  workflow::Document load(const MatrixRow* row = nullptr) const;
  std::unique_ptr<workflow::Run> create_run(const workflow::Registry& registry,
                                            const MatrixRow* row = nullptr) const;
};

// Memory and threads.
struct MachineArguments {
  std::string memory;
  unsigned threads = 0;
  unsigned reads = 0;
  std::string cpu_target;

  void add_to(CLI::App& command);
  // Also makes the kernels run on the CPU target asked for.
  engine::RunnerOptions options() const;
  // What the options leave open is as the chosen profile of a document says.
  engine::RunnerOptions options(const workflow::Pool& pool) const;
};

// Which store a command means: --store, else the document's, else that of the last run.
std::string last_store();
void remember_store(const std::string& url);

}  // namespace geoloom::cli
