// SPDX-License-Identifier: Apache-2.0
#include "engine/run_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace geoloom::engine {

RunState::RunState(const workflow::Run& run, const store::Store& store) : run_(run), store_(store) {
  for (const auto& step : run.steps()) receipts_.emplace_back(step.items.size(), nullptr);
}

void RunState::set(size_t step, size_t item, const Receipt* receipt) {
  const std::lock_guard lock(mutex_);
  receipts_[step][item] = receipt;
}

const Receipt* RunState::receipt(size_t step, size_t item) const {
  const std::lock_guard lock(mutex_);
  return receipts_[step][item];
}

const workflow::LayerInfo& RunState::info(const std::string& layer) const {
  return run_.info(layer);
}

size_t RunState::producer(const std::string& layer) const {
  (void)run_.info(layer);  // throws for an unknown one
  return run_.workflow().layer_producer.at(layer);
}

std::optional<workflow::LayerFile> RunState::file_at(const std::string& layer, size_t step,
                                                     size_t item) const {
  const auto* found = receipt(step, item);
  if (!found) return std::nullopt;
  workflow::LayerFile file;
  file.item = run_.steps()[step].items[item];
  file.empty = found->empty;
  for (const auto& output : found->outputs) {
    if (output.layer != layer) continue;
    file.path = store_.path_of(output.name);
    file.pixel_hash = output.pixel_hash;
    if (output.schema) file.schema = *output.schema;
  }
  return file;
}

std::vector<workflow::Layers::Entry> RunState::files(const std::string& layer,
                                                     const workflow::Item& item) const {
  const auto step = producer(layer);
  std::vector<Entry> entries;
  const auto& items = run_.steps()[step].items;
  for (size_t i = 0; i < items.size(); ++i)
    if (items[i].zone == item.zone) entries.push_back({items[i], file_at(layer, step, i)});
  return entries;
}

workflow::LayerFile RunState::file(const std::string& layer, const workflow::Item& item) const {
  const auto step = producer(layer);
  const auto& producing = run_.steps()[step];
  const bool whole_zones = !producing.step->domain.over_tiles();
  for (size_t i = 0; i < producing.items.size(); ++i)
    if (whole_zones ? producing.items[i].zone == item.zone : producing.items[i].name == item.name)
      if (auto file = file_at(layer, step, i)) return std::move(*file);
  throw Error(ErrorCode::missing, fmt::format("layer '{}' has no file for this item", layer))
      .at({.item = item.name})
      .hint(fmt::format("step '{}' has not made it: see `geoloom runs why`", producing.step->name));
}

namespace {

// Empty when it cannot be known yet because an input has not been made.
std::string fingerprint_of(const workflow::StepRun& step, const workflow::Item& item,
                           const RunState& state) {
  try {
    if (step.step->is_task()) return step.fingerprint(item, state);
    return step.fingerprint(step.plan(item, &state));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::missing) return {};
    throw;
  }
}

bool inputs_complete(const workflow::StepRun& step, const workflow::Item& item,
                     const RunState& state) {
  for (const auto& layer : step.step->layers_read) {
    const auto& made = step.step->layers_made;
    if (std::find(made.begin(), made.end(), layer) != made.end()) continue;
    for (const auto& entry : state.files(layer, item))
      if (!entry.file) return false;
  }
  return true;
}

}  // namespace

Survey survey(const workflow::Run& run, const ReceiptBook& book, RunState& state) {
  Survey result;
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    Survey::StepCount count;
    count.items = step.items.size();
    std::vector<std::string> fingerprints;
    for (size_t i = 0; i < step.items.size(); ++i) {
      const bool knowable = !step.step->is_task() || inputs_complete(step, step.items[i], state);
      auto fingerprint = knowable ? fingerprint_of(step, step.items[i], state) : std::string();
      if (const auto* receipt = fingerprint.empty() ? nullptr : book.find(fingerprint)) {
        state.set(s, i, receipt);
        ++(receipt->empty ? count.empty : count.done);
      }
      fingerprints.push_back(std::move(fingerprint));
    }
    result.steps.push_back(count);
    result.fingerprints.push_back(std::move(fingerprints));
  }
  return result;
}

}  // namespace geoloom::engine
