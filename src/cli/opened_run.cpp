// SPDX-License-Identifier: Apache-2.0
#include "cli/opened_run.h"

#include <fmt/format.h>

#include <set>

#include "cli/existing_store.h"
#include "error/error.h"
#include "error/spelling.h"

namespace geoloom::cli {
namespace {

OpenedRun with_receipts(OpenedRun opened) {
  opened.book = std::make_unique<engine::ReceiptBook>(*opened.store);
  opened.state = std::make_unique<engine::RunState>(*opened.run, *opened.store);
  opened.survey = engine::survey(*opened.run, *opened.book, *opened.state);
  return opened;
}

std::vector<std::string> runs_in(const store::Store& store) {
  auto runs = workflow::list_runs(store);
  if (runs.empty()) throw Error(ErrorCode::missing, fmt::format("{} holds no run", store.url()));
  return runs;
}

}  // namespace

FoundRun find_run(const std::string& store, const std::string& id) {
  FoundRun found{open_existing_store(store), id};
  if (id.empty()) found.id = runs_in(*found.store).back();
  (void)workflow::read_run_record(*found.store, found.id);
  return found;
}

OpenedRun open_run(const std::string& store, const std::string& id,
                   const workflow::Registry& registry) {
  OpenedRun opened;
  opened.store = open_existing_store(store);
  const auto name = id.empty() ? runs_in(*opened.store).back() : id;
  opened.run = workflow::Run::open(workflow::read_run_record(*opened.store, name), registry);
  return with_receipts(std::move(opened));
}

OpenedRun open_run_with_layer(const std::string& store, const std::string& id,
                              const std::string& layer, const workflow::Registry& registry) {
  OpenedRun opened;
  opened.store = open_existing_store(store);
  auto ids = id.empty() ? runs_in(*opened.store) : std::vector<std::string>{id};
  std::set<std::string> known;
  for (auto at = ids.rbegin(); at != ids.rend(); ++at) {
    const auto record = workflow::read_run_record(*opened.store, *at);
    if (id.empty() && record.trial()) continue;
    opened.run = workflow::Run::open(record, registry);
    for (const auto& [name, info] : opened.run->layers()) known.insert(name);
    if (opened.run->layers().contains(layer)) return with_receipts(std::move(opened));
  }
  const std::vector<std::string> names(known.begin(), known.end());
  throw Error(ErrorCode::invalid,
              fmt::format("no run of {} makes a layer '{}'", opened.store->url(), layer))
      .hint(names.empty() ? "trials are looked at only when --run names them"
                          : spelling_hint(layer, names));
}

}  // namespace geoloom::cli
