// SPDX-License-Identifier: Apache-2.0
#include "cli/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/quantities.h"
#include "error/spelling.h"
#include "gdal/dataset.h"

namespace geoloom::cli {
namespace {

// Names of a group's items that JSON holds.
constexpr size_t kMostExamples = 20;

std::vector<std::string> lines_of(const engine::ItemExplanation& why) {
  std::vector<std::string> lines;
  const auto* const receipt = why.receipt;
  if (why.hit) {
    lines.push_back(fmt::format("made by run {} at {}, fingerprint {}: unchanged", receipt->run,
                                receipt->finished, receipt->fingerprint.substr(0, 12)));
    return lines;
  }
  if (receipt != nullptr)
    lines.push_back(fmt::format("last made by run {} at {}, fingerprint {}", receipt->run,
                                receipt->finished, receipt->fingerprint.substr(0, 12)));
  for (const auto& change : why.changes) {
    if (change.scenes.empty()) lines.push_back(change.text);
    for (const auto& scene : change.scenes)
      lines.push_back(fmt::format("scene {}: {}", change.text, scene));
  }
  return lines;
}

// What is held about items of that name, by step; empty where there is none.
void explain_item(const workflow::Run& run, const std::string& name, engine::Explainer& explainer,
                  std::vector<StepReasons>& reasons) {
  std::vector<std::string> known;
  bool found = false;
  size_t r = 0;
  for (size_t s = 0; s < run.steps().size(); ++s) {
    const auto& step = run.steps()[s];
    if (!step.selected) continue;
    auto& reason = reasons[r++];
    for (size_t i = 0; i < step.items.size(); ++i) {
      if (known.size() < 10000) known.push_back(step.items[i].name);
      if (step.items[i].name != name) continue;
      found = true;
      if (reason.skipped.empty()) reason.lines = lines_of(explainer.item(s, i));
    }
  }
  if (!found)
    throw Error(ErrorCode::invalid, fmt::format("--explain-item: no step has an item '{}'", name))
        .hint(spelling_hint(name, known));
}

}  // namespace

void ExplainArguments::add_to(CLI::App& command) {
  command.add_flag("--explain", steps,
                   "For each step how many items are made already, and why the others are not");
  command.add_option("--explain-item", item, "The same for one item, with all that has changed");
}

std::vector<StepReasons> explain(const workflow::Run& run, const ExplainArguments& arguments) {
  std::vector<StepReasons> reasons;
  const auto& url = run.workflow().document.store.text;
  const bool absent = url.find("://") == std::string::npos && !gdal::file_status(url);
  for (size_t s = 0; s < run.steps().size() && absent; ++s) {
    const auto& step = run.steps()[s];
    if (!step.selected) continue;
    StepReasons none{.step = step.step->name};
    none.known = step.known;
    none.explanation.step = step.step->name;
    none.explanation.items = step.items.size();
    std::vector<size_t> all(step.items.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    none.explanation.groups.push_back({"never made before", std::move(all), false});
    if (!arguments.item.empty()) none.lines = {"never made before"};
    reasons.push_back(std::move(none));
  }
  if (absent) return reasons;
  const auto store = store::open_store(url);
  const engine::ReceiptBook book(*store);
  engine::RunState state(run, *store);
  const auto survey = engine::survey(run, book, state);
  engine::Explainer explainer(run, *store, book, state);
  for (size_t s = 0; s < run.steps().size(); ++s) {
    if (!run.steps()[s].selected) continue;
    StepReasons step{.step = run.steps()[s].step->name, .skipped = survey.steps[s].skipped};
    step.known = run.steps()[s].known;
    if (step.skipped.empty() && step.known && arguments.item.empty())
      step.explanation = explainer.step(s);
    reasons.push_back(std::move(step));
  }
  if (!arguments.item.empty()) explain_item(run, arguments.item, explainer, reasons);
  return reasons;
}

std::string explanation_text(const std::vector<StepReasons>& reasons) {
  std::string text;
  for (const auto& step : reasons) {
    const auto& why = step.explanation;
    if (!step.skipped.empty()) {
      text += fmt::format("{}: skipped: {}\n", step.step, step.skipped);
    } else if (!step.known) {
      text += fmt::format("{}: its items are known when the steps that it refers to have ended\n",
                          step.step);
    } else if (!step.lines.empty()) {
      for (const auto& line : step.lines) text += fmt::format("{}: {}\n", step.step, line);
    } else if (!why.step.empty()) {
      text +=
          fmt::format("{}: {} of {} unchanged\n", step.step, why.hits, counted(why.items, "item"));
      for (const auto& line : why.lines(false)) text += line + "\n";
    }
  }
  return text;
}

workflow::OrderedJson explanation_json(const workflow::Run& run,
                                       const std::vector<StepReasons>& reasons) {
  auto json = workflow::OrderedJson::array();
  for (const auto& step : reasons) {
    workflow::OrderedJson entry{
        {"step", step.step}, {"skipped", step.skipped}, {"known", step.known}};
    if (!step.lines.empty()) entry["item"] = step.lines;
    if (!step.explanation.step.empty()) {
      const auto found =
          std::find_if(run.steps().begin(), run.steps().end(),
                       [&](const auto& each) { return each.step->name == step.step; });
      auto groups = workflow::OrderedJson::array();
      for (const auto& group : step.explanation.groups) {
        auto names = workflow::OrderedJson::array();
        for (size_t i = 0; i < std::min(group.items.size(), kMostExamples); ++i)
          names.push_back(found->items[group.items[i]].name);
        groups.push_back({{"reason", group.reason},
                          {"items", group.items.size()},
                          {"made_before", group.made_before},
                          {"examples", names}});
      }
      entry["items"] = step.explanation.items;
      entry["unchanged"] = step.explanation.hits;
      entry["reasons"] = std::move(groups);
    }
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace geoloom::cli
