// SPDX-License-Identifier: Apache-2.0
#include "engine/explanation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_set>

#include "engine/chain_changes.h"
#include "engine/gather.h"
#include "engine/receipt_age.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr size_t kMostNames = 5;
constexpr size_t kMostGroups = 10;

// A source's slices: what each is called, and its identity.
using Slices = std::map<std::string, std::string>;

Slices slices_of(const workflow::SourceItem& source) {
  Slices slices;
  for (size_t i = 0; i < source.identities.size(); ++i)
    slices[i < source.schema.slices.size() ? source.schema.slices[i].label : std::to_string(i)] +=
        source.identities[i] + "\n";
  return slices;
}

std::set<std::string> scenes_of(const workflow::SourceItem& source) {
  std::set<std::string> scenes(source.scenes.begin(), source.scenes.end());
  if (scenes.empty())
    for (const auto& [label, identity] : slices_of(source)) scenes.insert(label);
  return scenes;
}

void add(std::vector<Change>& changes, Change::Kind kind, const std::string& text,
         std::vector<std::string> scenes = {}) {
  if (kind == Change::Kind::scenes && scenes.empty()) return;
  changes.push_back({kind, text, std::move(scenes)});
}

// Scenes that came, went, or are other ones under their names.
void compare_scenes(const workflow::SourceItem& then, const workflow::SourceItem& now,
                    bool same_parameters, std::vector<Change>& changes) {
  const auto before = scenes_of(then), after = scenes_of(now);
  std::vector<std::string> more, fewer, excluded, other;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(more));
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(fewer));
  for (const auto& dropped : now.dropped) {
    const auto gone = std::find(fewer.begin(), fewer.end(), dropped.scene);
    if (!dropped.excluded() || gone == fewer.end()) continue;
    excluded.push_back(
        fmt::format("{}: {}", dropped.scene, dropped.reason.substr(dropped.reason.find(' ') + 1)));
    fewer.erase(gone);
  }
  const auto touched = !more.empty() || !fewer.empty() || !excluded.empty();
  const auto old_slices = slices_of(then);
  // Other parameters give other identities to the same scenes.
  if (same_parameters && !touched)
    for (const auto& [label, identity] : slices_of(now))
      if (const auto old = old_slices.find(label);
          old != old_slices.end() && old->second != identity)
        other.push_back(label);
  add(changes, Change::Kind::scenes, "more", std::move(more));
  add(changes, Change::Kind::scenes, "fewer", std::move(fewer));
  add(changes, Change::Kind::scenes, "excluded", std::move(excluded));
  add(changes, Change::Kind::scenes, "with another size, time or version", std::move(other));
}

std::string names_text(const std::vector<std::string>& names) {
  const auto told = std::min(names.size(), kMostNames);
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(told);
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "),
                     told < names.size() ? ", ..." : "");
}

std::string age_text(const workflow::StepPolicy& policy) {
  if (policy.max_age->count() == 0) return "cache: false";
  return "older than max_age, " + workflow::text_of(*policy.max_age);
}

}  // namespace

std::string Change::told() const {
  if (scenes.empty()) return text;
  return fmt::format("{} scene{} {} ({})", scenes.size(), scenes.size() == 1 ? "" : "s", text,
                     names_text(scenes));
}

std::vector<std::string> StepExplanation::lines(bool made_before) const {
  std::vector<std::string> out;
  size_t left_out = 0;
  for (const auto& group : groups) {
    if (made_before && !group.made_before) continue;
    if (out.size() < kMostGroups)
      out.push_back(fmt::format("{}: {} of {} item{}: {}", step, group.items.size(), items,
                                items == 1 ? "" : "s", group.reason));
    else
      left_out += group.items.size();
  }
  if (left_out > 0)
    out.push_back(fmt::format("{}: {} of {} items: other reasons", step, left_out, items));
  return out;
}

// ---------------------------------------------------------------------------------------------
// Runs that made what there is

struct Explainer::EarlierRun {
  std::unique_ptr<workflow::Run> run;  // null: its record is gone, or cannot be opened any more
  std::map<size_t, std::unordered_map<std::string, size_t>> items;  // by step and name

  const workflow::StepRun* step_named(const std::string& name) const {
    if (!run) return nullptr;
    for (const auto& step : run->steps())
      if (step.step->name == name) return &step;
    return nullptr;
  }
  const workflow::Item* item_named(const workflow::StepRun& step, const std::string& name) {
    const auto s = static_cast<size_t>(&step - run->steps().data());
    auto& places = items[s];
    if (places.empty())
      for (size_t i = 0; i < step.items.size(); ++i) places.emplace(step.items[i].name, i);
    const auto found = places.find(name);
    return found == places.end() ? nullptr : &step.items[found->second];
  }
};

Explainer::Explainer(const workflow::Run& run, const store::Store& store, const ReceiptBook& book,
                     const RunState& state)
    : run_(run), store_(store), book_(book), state_(state) {}

Explainer::~Explainer() = default;

Explainer::EarlierRun* Explainer::earlier(const std::string& run_id) {
  auto& known = earlier_[run_id];
  if (known) return known.get();
  known = std::make_unique<EarlierRun>();
  try {
    known->run = workflow::Run::open(workflow::read_run_record(store_, run_id), run_.registry());
  } catch (const Error&) {
    // What it did is told by its receipts, as far as they tell.
  }
  return known.get();
}

// The receipts that tell of the items before.
void Explainer::find_last(size_t s, const std::vector<size_t>& items) {
  const auto& step = run_.steps()[s];
  std::unordered_set<std::string_view> names;
  for (const auto i : items) names.insert(step.items[i].name);
  last_.clear();
  for (const auto* receipt : book_.of_items(step.step->name, names)) {
    auto& last = last_[receipt->item];
    if (last == nullptr ||
        std::tie(last->run, last->finished) < std::tie(receipt->run, receipt->finished))
      last = receipt;
  }
}

// ---------------------------------------------------------------------------------------------
// What changed

void Explainer::compare_plans(const workflow::StepRun& now, const workflow::Item& item,
                              const workflow::StepRun& then, const workflow::Item& then_item,
                              std::vector<Change>& changes) const {
  const auto& chain = *now.chain_of(item).chain;
  const auto& old_chain = *then.chain_of(then_item).chain;
  const bool comparable = chain.nodes.size() == old_chain.nodes.size();
  for (const auto& text : chain_changes(old_chain.identity(), chain.identity()))
    add(changes, Change::Kind::ops, text);
  if (now.chain_of(item).file_hashes != then.chain_of(then_item).file_hashes)
    add(changes, Change::Kind::tables, "a file that its ops read has other content");
  if (item.grid.text() != then_item.grid.text())
    add(changes, Change::Kind::grid,
        fmt::format("another grid: {} -> {}", then_item.grid.text(), item.grid.text()));
  if (now.step->is_task() || !comparable) return;
  const auto plan = now.plan(item, &state_);
  const auto old_plan = then.plan(then_item, nullptr);
  for (size_t n = 0; n < std::min(plan.nodes.size(), old_plan.nodes.size()); ++n) {
    const auto& node = chain.nodes[n];
    if (node.kind() != workflow::OpKind::source || node.source().layer()) continue;
    compare_scenes(old_plan.nodes[n].source, plan.nodes[n].source,
                   node.identity == old_chain.nodes[n].identity, changes);
  }
}

// Told by what was made since: an earlier run's layers are not looked up.
Change Explainer::layers_changed(size_t s) const {
  const auto& step = *run_.steps()[s].step;
  std::vector<std::string> remade, read;
  for (const auto& layer : step.layers_read) {
    const auto producer = run_.workflow().layer_producer.at(layer);
    if (producer == s) continue;
    read.push_back(layer);
    const auto& items = run_.steps()[producer].items;
    for (size_t i = 0; i < items.size(); ++i) {
      const auto* receipt = state_.receipt(producer, i);
      if (receipt == nullptr || receipt->run != run_.record().id) continue;
      remade.push_back(layer);
      break;
    }
  }
  const auto& told = remade.empty() ? read : remade;
  if (told.empty()) return {Change::Kind::other, "what it is made of has changed", {}};
  return {Change::Kind::layers,
          fmt::format("{} {} other pixels or other items", fmt::join(told, ", "),
                      told.size() == 1 ? "has" : "have"),
          {}};
}

std::vector<Change> Explainer::since(size_t s, size_t i, const Receipt& last) {
  const auto& now = run_.steps()[s];
  const auto& item = now.items[i];
  std::vector<Change> changes;
  auto* const then = earlier(last.run);
  const auto* const old_step = then->step_named(now.step->name);
  const auto* const old_item =
      old_step == nullptr ? nullptr : then->item_named(*old_step, item.name);
  // Versions are those that made it; an earlier run that is opened has those of today.
  for (const auto& text : version_changes(last.chain, now.step->chain_text()))
    add(changes, Change::Kind::ops, text);
  if (old_item != nullptr) {
    try {
      compare_plans(now, item, *old_step, *old_item, changes);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::missing) throw;  // of layers that are not made yet
    }
  } else if (changes.empty()) {
    add(changes, Change::Kind::other,
        fmt::format("made by run {}, of which no more is known", last.run));
  }
  if (changes.empty()) changes.push_back(layers_changed(s));
  return changes;
}

std::vector<Change> Explainer::changes_of(size_t s, size_t i, const Receipt*& last) {
  const auto& step = run_.steps()[s];
  const auto& item = step.items[i];
  const auto found = last_.find(item.name);
  if (found == last_.end()) return {{Change::Kind::never_made, "never made before", {}}};
  last = found->second;
  std::string fingerprint;
  try {
    if (!step.step->is_task())
      fingerprint = step.fingerprint(step.plan(item, &state_));
    else if (step.step->policy.min_ok ? enough_to_gather(step, item, state_)
                                      : gaps_of(step, item, state_).empty())
      fingerprint = step.fingerprint(item, state_);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;
  }
  if (fingerprint.empty()) {
    std::set<std::string> layers(step.step->layers_read.begin(), step.step->layers_read.end());
    for (const auto& own : step.step->layers_made) layers.erase(own);
    return {{Change::Kind::unknown,
             fmt::format("{} {} to be made first", fmt::join(layers, ", "),
                         layers.size() == 1 ? "is" : "are"),
             {}}};
  }
  if (const auto* same = book_.find_any(fingerprint)) {
    last = same;
    if (book_.find(fingerprint) == nullptr)
      return {{Change::Kind::files_gone, "its files are gone from the store", {}}};
    return {{Change::Kind::too_old, age_text(step.step->policy), {}}};
  }
  return since(s, i, *last);
}

ItemExplanation Explainer::item(size_t s, size_t i) {
  find_last(s, {i});
  return looked_at(s, i);
}

ItemExplanation Explainer::looked_at(size_t s, size_t i) {
  ItemExplanation explanation;
  explanation.receipt = state_.receipt(s, i);
  explanation.hit = explanation.receipt != nullptr;
  if (explanation.hit) return explanation;
  explanation.changes = changes_of(s, i, explanation.receipt);
  std::stable_sort(explanation.changes.begin(), explanation.changes.end(),
                   [](const auto& a, const auto& b) { return a.kind < b.kind; });
  return explanation;
}

// ---------------------------------------------------------------------------------------------
// Groups

namespace {

// Items of which the same kinds of things are other; of scenes all names are gathered.
struct Gathered {
  std::vector<size_t> items;
  std::vector<std::set<std::string>> scenes;  // by change
  std::vector<Change> changes;
  bool made_before = true;
};

std::string key_of(const std::vector<Change>& changes) {
  std::string key;
  for (const auto& change : changes) key += change.text + "\n";
  return key;
}

StepExplanation::Group group_of(Gathered gathered) {
  std::vector<std::string> told;
  for (size_t c = 0; c < gathered.changes.size(); ++c) {
    gathered.changes[c].scenes.assign(gathered.scenes[c].begin(), gathered.scenes[c].end());
    told.push_back(gathered.changes[c].told());
  }
  return {fmt::format("{}", fmt::join(told, "; ")), std::move(gathered.items),
          gathered.made_before};
}

}  // namespace

StepExplanation Explainer::step(size_t s) {
  const auto& step = run_.steps()[s];
  StepExplanation explanation;
  explanation.step = step.step->name;
  explanation.items = step.items.size();
  std::map<std::string, Gathered> groups;
  std::vector<size_t> missed;
  for (size_t i = 0; i < step.items.size(); ++i)
    if (state_.receipt(s, i) == nullptr) missed.push_back(i);
  explanation.hits = explanation.items - missed.size();
  find_last(s, missed);
  for (const auto i : missed) {
    auto why = looked_at(s, i);
    // With other ops the scenes are others as a consequence, as far as a group is concerned.
    if (why.changes.front().kind == Change::Kind::ops)
      std::erase_if(why.changes,
                    [](const auto& change) { return change.kind > Change::Kind::grid; });
    auto& group = groups[key_of(why.changes)];
    if (group.items.empty()) {
      group.changes = why.changes;
      group.scenes.resize(why.changes.size());
    }
    group.items.push_back(i);
    group.made_before = group.made_before && why.receipt != nullptr;
    for (size_t c = 0; c < why.changes.size(); ++c)
      group.scenes[c].insert(why.changes[c].scenes.begin(), why.changes[c].scenes.end());
  }
  for (auto& [key, gathered] : groups) explanation.groups.push_back(group_of(std::move(gathered)));
  std::stable_sort(explanation.groups.begin(), explanation.groups.end(),
                   [](const auto& a, const auto& b) { return a.items.size() > b.items.size(); });
  return explanation;
}

std::vector<std::string> lines_before_step(RunSession& session, size_t s) {
  const auto& step = session.run().steps()[s];
  if (!session.book().knows_step(step.step->name)) return {};
  if (session.adopt(s) == step.items.size()) return {};
  return Explainer(session.run(), session.store(), session.book(), session.state())
      .step(s)
      .lines(true);
}

}  // namespace geoloom::engine
