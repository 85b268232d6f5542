// SPDX-License-Identifier: Apache-2.0
// --explain and --explain-item: why items of a run are there already, or are to be made.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "engine/explanation.h"

namespace geoloom::cli {

struct ExplainArguments {
  bool steps = false;
  std::string item;

  void add_to(CLI::App& command);
  bool wanted() const { return steps || !item.empty(); }
};

struct StepReasons {
  std::string step, skipped;  // why it is left out; empty: it is not
  engine::StepExplanation explanation;
  std::vector<std::string> lines;  // of the item asked for
  bool known = true;  // its items: not those of a step that waits for what others report
};

// Of the steps that are carried out. A store that is not there yet holds nothing. Throws
// Error(invalid) when no step has the item, with the nearest name.
std::vector<StepReasons> explain(const workflow::Run& run, const ExplainArguments& arguments);
std::string explanation_text(const std::vector<StepReasons>& reasons);
workflow::OrderedJson explanation_json(const workflow::Run& run,
                                       const std::vector<StepReasons>& reasons);

}  // namespace geoloom::cli
