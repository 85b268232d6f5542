// SPDX-License-Identifier: Apache-2.0
#include "engine/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "engine/control_flow.h"
#include "engine/gather.h"
#include "engine/process_memory.h"
#include "engine/receipt_age.h"
#include "engine/task_pool.h"

namespace geoloom::engine {

namespace {

bool agree(const workflow::AxisLabels& a, const workflow::AxisLabels& b) {
  return std::all_of(a.begin(), a.end(), [&](const auto& entry) {
    const auto* other = workflow::find_label(b, entry.first);
    return other == nullptr || *other == entry.second;
  });
}

}  // namespace

RunState::RunState(const workflow::Run& run, const store::Store& store) : run_(run), store_(store) {
  for (const auto& step : run.steps()) receipts_.emplace_back(step.items.size(), nullptr);
  places_.resize(run.steps().size());
}

void RunState::run_changed() {
  const std::lock_guard lock(mutex_);
  for (size_t s = 0; s < receipts_.size(); ++s) {
    const auto items = run_.steps()[s].items.size();
    if (receipts_[s].size() == items) continue;
    receipts_[s].assign(items, nullptr);
    places_[s].clear();
  }
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
    file.bytes = output.bytes;
    // What has no pixels is what its bytes are.
    file.pixel_hash = output.pixel_hash.empty() ? output.sha256 : output.pixel_hash;
    if (output.schema) file.schema = *output.schema;
    file.grid = output.grid;
    file.chunks = output.chunks;
    file.metrics = output.metrics;
  }
  return file;
}

std::vector<workflow::Layers::Entry> RunState::files(const std::string& layer,
                                                     const workflow::Item& item) const {
  const auto step = producer(layer);
  std::vector<Entry> entries;
  const auto& items = run_.steps()[step].items;
  for (size_t i = 0; i < items.size(); ++i)
    if ((items[i].zone == item.zone || items[i].every_zone || item.every_zone) &&
        agree(items[i].at(), item.at()))
      entries.push_back({items[i], file_at(layer, step, i)});
  return entries;
}

const std::unordered_map<std::string, size_t>& RunState::places_of(size_t step) const {
  const std::lock_guard lock(mutex_);
  auto& places = places_[step];
  const auto& items = run_.steps()[step].items;
  if (places.empty())
    for (size_t i = 0; i < items.size(); ++i) places.emplace(items[i].name, i);
  return places;
}

namespace {

// The labels of the files a reader at `item` wants of a layer of this domain.
std::vector<workflow::AxisLabels> labels_wanted(const workflow::Domain& domain,
                                                const workflow::Item& item,
                                                const workflow::LayerSelection& selection) {
  std::vector<workflow::AxisLabels> wanted{{}};
  for (const auto& axis : domain.lists) {
    std::vector<std::string> labels;
    if (const auto at = selection.at.find(axis.name); at != selection.at.end())
      labels = {at->second};
    else if (selection.along == axis.name)
      for (const auto& value : axis.values) labels.push_back(value.label);
    else if (const auto* own = workflow::find_label(item.at(), axis.name))
      labels = {*own};
    std::vector<workflow::AxisLabels> longer;
    for (const auto& start : wanted) {
      for (const auto& label : labels) {
        longer.push_back(start);
        longer.back().emplace_back(axis.name, label);
      }
    }
    wanted = std::move(longer);
  }
  return wanted;
}

}  // namespace

std::vector<std::string> RunState::parts_for(const workflow::Item& item,
                                             const workflow::StepRun& producing) const {
  const auto& domain = producing.step->domain;
  if (!producing.step->needs_grid() && domain.extent == workflow::Domain::Extent::whole)
    return {std::string(producing.items.front().tile())};
  if (!domain.over_tiles() && !domain.over_windows()) return {run_.zones()[item.zone].name};
  if (domain.over_windows() || !item.is_window) return {std::string(item.tile())};
  std::vector<std::string> parts;
  for (const auto& tile : producing.items) {
    if (tile.chain != 0) break;
    if (tile.zone == item.zone && !tile.window.intersect(item.window).empty())
      parts.emplace_back(tile.tile());
  }
  return parts;
}

std::vector<workflow::LayerFile> RunState::files(const std::string& layer,
                                                 const workflow::Item& item,
                                                 const workflow::LayerSelection& selection) const {
  const auto step = producer(layer);
  const auto& producing = run_.steps()[step];
  const auto& places = places_of(step);
  const auto parts = parts_for(item, producing);
  std::vector<workflow::LayerFile> files;
  for (const auto& labels : labels_wanted(producing.step->domain, item, selection)) {
    for (const auto& part : parts) {
      const auto name = workflow::item_name(part, labels);
      const auto place = places.find(name);
      auto file = place == places.end() ? std::nullopt : file_at(layer, step, place->second);
      if (!file)
        throw Error(ErrorCode::missing, fmt::format("layer '{}' has no file for this item", layer))
            .at({.item = name})
            .hint(fmt::format("step '{}' has not made it: see `geoloom runs why`",
                              producing.step->name));
      files.push_back(std::move(*file));
    }
  }
  return files;
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
  if (step.step->policy.min_ok) return enough_to_gather(step, item, state);
  return gaps_of(step, item, state).empty();
}

// What a survey finds of one step, whose items do not depend on each other.
class StepSurvey {
 public:
  StepSurvey(const workflow::Run& run, size_t s, const ReceiptBook& book, RunState& state)
      : run_(run), step_(run.steps()[s]), s_(s), book_(book), state_(state) {
    fingerprints_.resize(step_.items.size());
  }

  void look(TaskPool& pool) {
    // One item is a few microseconds.
    constexpr size_t kTogether = 512;
    const size_t items = step_.items.size();
    pool.for_each_index((items + kTogether - 1) / kTogether, [&](size_t part) {
      for (size_t i = part * kTogether; i < std::min(items, (part + 1) * kTogether); ++i)
        look_at(i);
    });
  }

  Survey::StepCount count() const {
    return {step_.items.size() - given_up_, done_, empty_, {}, {}};
  }
  std::vector<std::string> fingerprints() && { return std::move(fingerprints_); }

 private:
  void look_at(size_t i) {
    const auto& item = step_.items[i];
    const bool knowable = !step_.step->is_task() || inputs_complete(step_, item, state_);
    auto fingerprint = knowable ? fingerprint_of(step_, item, state_) : std::string();
    const auto* receipt = fingerprint.empty() ? nullptr : book_.find(fingerprint);
    if (receipt && !too_old(*receipt, step_.step->policy, run_.record())) {
      state_.set(s_, i, receipt);
      ++(receipt->empty ? empty_ : done_);
    } else if (run_.given_up(step_, item)) {
      ++given_up_;
    }
    fingerprints_[i] = std::move(fingerprint);
  }

  const workflow::Run& run_;
  const workflow::StepRun& step_;
  const size_t s_;
  const ReceiptBook& book_;
  RunState& state_;
  std::vector<std::string> fingerprints_;
  std::atomic<size_t> done_ = 0, empty_ = 0, given_up_ = 0;
};

}  // namespace

Survey survey(const workflow::Run& run, const ReceiptBook& book, RunState& state) {
  Survey result;
  TaskPool pool(available_cores());
  ControlFlow flow(run, state);
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    const auto decision = flow.decide(s);
    if (decision.kind == StepDecision::Kind::skip) {
      result.steps.push_back({step.items.size(), 0, 0, decision.reason, {}});
      result.fingerprints.emplace_back(step.items.size());
      continue;
    }
    StepSurvey of_step(run, s, book, state);
    of_step.look(pool);
    result.steps.push_back(of_step.count());
    if (!step.known) result.steps.back().waits = decision.reason;
    result.fingerprints.push_back(std::move(of_step).fingerprints());
  }
  return result;
}

}  // namespace geoloom::engine
