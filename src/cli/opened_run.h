// SPDX-License-Identifier: Apache-2.0
// A run opened from its record, with what the receipts of its store say: for commands that look at
// what was made.
#pragma once

#include <memory>
#include <string>

#include "engine/run_state.h"
#include "store/store.h"
#include "workflow/registry.h"
#include "workflow/run.h"

namespace geoloom::cli {

struct OpenedRun {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<workflow::Run> run;
  std::unique_ptr<engine::ReceiptBook> book;
  std::unique_ptr<engine::RunState> state;
  engine::Survey survey;
};

struct FoundRun {
  std::unique_ptr<store::Store> store;
  std::string id;
};
// As open_run(), without reading receipts; the run has a record.
FoundRun find_run(const std::string& store, const std::string& id);

// `store` empty: that of the last run; `id` empty: the last run of the store. Throws
// Error(missing).
OpenedRun open_run(const std::string& store, const std::string& id,
                   const workflow::Registry& registry);
// The last run that makes a layer; no trial, unless `id` names it. Throws Error: missing (no run),
// invalid (no run has the layer; names the nearest).
OpenedRun open_run_with_layer(const std::string& store, const std::string& id,
                              const std::string& layer, const workflow::Registry& registry);

}  // namespace geoloom::cli
