// SPDX-License-Identifier: Apache-2.0
// geoloom models list | show | compare: what was trained, on what, how good it is and what was made
// with it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/model_catalogue.h"
#include "cli/quantities.h"
#include "error/error.h"
#include "learn/evaluation.h"
#include "store/checksum.h"
#include "workflow/parameters.h"

namespace geoloom::cli {
namespace {

using learn::ModelCard;
using workflow::OrderedJson;

struct ModelsArguments {
  std::vector<std::string> stores, models;
  bool stac = false;
};

std::string region_of(const ModelCard& card) {
  if (card.bbox.size() != 4) return "region unknown";
  return fmt::format("{:.4g},{:.4g},{:.4g},{:.4g}", card.bbox[0], card.bbox[1], card.bbox[2],
                     card.bbox[3]);
}

std::string days_of(const ModelCard& card) {
  if (card.period_start.empty()) return "unknown";
  const auto start = card.period_start.substr(0, 10), end = card.period_end.substr(0, 10);
  return start == end ? start : start + ".." + end;
}

// The number that a list has room for: of the harshest test there is.
std::string headline(const ModelCard& card) {
  const char* const measure = card.task == learn::Task::classification ? "balanced_accuracy" : "r2";
  using learn::TestKind;
  for (const auto test_kind : {TestKind::spatial_folds, TestKind::temporal_folds,
                               TestKind::held_out, TestKind::random_folds, TestKind::out_of_bag}) {
    const std::string kind(learn::name(test_kind));
    const auto test = card.metrics.find(kind);
    if (test == card.metrics.end() || !test->contains(measure)) continue;
    const auto& value = (*test)[measure];
    if (value.is_number()) return fmt::format("{} {:.3f} ({})", measure, value.get<double>(), kind);
  }
  return "not tested";
}

OrderedJson uses_json(const KnownModel& model) {
  auto uses = OrderedJson::array();
  for (const auto& use : model.uses)
    uses.push_back({{"run", use.run}, {"step", use.step}, {"layer", use.layer}});
  return uses;
}

OrderedJson model_json(const KnownModel& model) {
  OrderedJson json{{"model", model.reference()}, {"name", model.name},  {"id", model.id},
                   {"store", model.store},       {"file", model.place}, {"bytes", model.bytes}};
  if (!model.item.empty()) json["item"] = model.item;
  json["uses"] = uses_json(model);
  if (model.card)
    json["card"] = learn::to_json(*model.card);
  else
    json["gone"] = model.gone;
  return json;
}

void print_line(const KnownModel& model) {
  if (!model.card) {
    std::cout << fmt::format("{}  {}\n", model.reference(), model.gone);
    return;
  }
  const auto& card = *model.card;
  std::set<std::string> layers;
  for (const auto& use : model.uses) layers.insert(use.layer);
  std::cout << fmt::format(
      "{}  {}  {}, {}, {}  {}  {}  {}\n", model.reference(), card.trained, card.method,
      counted(card.features.size(), "feature"), counted(card.samples, "sample"), headline(card),
      region_of(card),
      layers.empty() ? "not used" : fmt::format("made {}", fmt::join(layers, ", ")));
}

void list(const ModelsArguments& arguments, const Commands& commands) {
  const auto models = models_of(arguments.stores);
  if (commands.json) {
    auto json = OrderedJson::array();
    for (const auto& model : models) json.push_back(model_json(model));
    std::cout << json.dump(1) << "\n";
    return;
  }
  for (const auto& model : models) print_line(model);
  if (models.empty()) std::cerr << "no run has trained a model\n";
}

std::string number_text(const nlohmann::json& value) {
  return value.is_number_float() ? fmt::format("{:.4f}", value.get<double>())
         : value.is_string()     ? value.get<std::string>()
                                 : value.dump();
}

void print_features(const ModelCard& card) {
  std::cout << "features:\n";
  for (const auto& feature : card.features)
    std::cout << fmt::format(
        "  {}{}  {}\n", feature.name.empty() ? "(no name)" : feature.name,
        feature.unit.empty() || feature.unit == "1" ? "" : " [" + feature.unit + "]",
        feature.recipe.empty() ? "recipe unknown" : "recipe " + feature.recipe);
}

void print_tests(const ModelCard& card) {
  for (const auto& [kind, scores] : card.metrics.items()) {
    std::cout << fmt::format(
        "{}{}:\n", kind,
        card.tests.contains(kind) ? fmt::format(" ({})", number_text(card.tests[kind])) : "");
    for (const auto& [name, value] : scores.items())
      std::cout << fmt::format("  {} = {}\n", name, number_text(value));
  }
}

void print_model(const KnownModel& model) {
  const auto& card = *model.card;
  const auto line = [](const char* what, const std::string& text) {
    if (!text.empty()) std::cout << fmt::format("{:<11} {}\n", what, text);
  };
  line("model", model.reference());
  line("file", model.place);
  line("size", format_bytes(static_cast<double>(model.bytes)));
  line("method", card.origin.empty() ? card.method : card.method + " (" + card.origin + ")");
  line("predicts", card.label.empty() ? "" : card.label);
  line("trained", card.trained);
  line("by", card.run.empty() ? "" : fmt::format("run {}, step {}", card.run, card.step));
  line("samples", counted(card.samples, "sample"));
  line("of", days_of(card));
  line("region", region_of(card));
  line("data", card.data_hash);
  for (const auto& each : card.classes)
    line("class", fmt::format("{}{}", each.value, each.name.empty() ? "" : " " + each.name));
  print_features(card);
  std::cout << "parameters:\n";
  for (const auto& [name, value] : card.parameters.items())
    std::cout << fmt::format("  {} = {}\n", name, value.dump());
  print_tests(card);
  if (card.applicability.is_object() && card.applicability.contains("threshold"))
    line("applicable", fmt::format("where dissimilarity is at most {}",
                                   number_text(card.applicability["threshold"])));
  for (const auto& use : model.uses)
    line("made", fmt::format("layer {} (run {}, step {})", use.layer, use.run, use.step));
}

const KnownModel& with_card(const KnownModel& model) {
  if (model.card) return model;
  throw Error(ErrorCode::missing, fmt::format("the file of {} cannot be read", model.reference()))
      .at({.file = model.place})
      .cause(model.gone)
      .hint("`geoloom runs retry` makes the model again");
}

// Files need no store; names are looked for in those named, or that of the last run.
std::vector<KnownModel> chosen(const ModelsArguments& arguments) {
  std::vector<KnownModel> models, found;
  const bool only_files =
      std::all_of(arguments.models.begin(), arguments.models.end(), [](const auto& reference) {
        std::error_code none;
        return std::filesystem::is_regular_file(reference, none);
      });
  if (!only_files || !arguments.stores.empty()) models = models_of(arguments.stores);
  for (const auto& reference : arguments.models)
    found.push_back(with_card(find_model(reference, models)));
  return found;
}

void show(const ModelsArguments& arguments, const Commands& commands) {
  const auto model = chosen(arguments).front();
  if (arguments.stac)
    std::cout << learn::model_stac_item(*model.card, model.place,
                                        static_cast<uint64_t>(model.bytes),
                                        store::sha256_hex_of_file(model.place))
                     .dump(1)
              << "\n";
  else if (commands.json)
    std::cout << model_json(model).dump(1) << "\n";
  else
    print_model(model);
}

// Rows of a comparison: what a model has under each name, in the order of the models; null where it
// has none.
using Rows = std::map<std::string, std::vector<nlohmann::json>>;

Rows rows_of(const std::vector<KnownModel>& models, const auto& members_of) {
  Rows rows;
  for (size_t m = 0; m < models.size(); ++m) {
    const nlohmann::json members = members_of(*models[m].card);
    for (const auto& [name, value] : members.items()) {
      auto& row = rows[name];
      row.resize(models.size());
      row[m] = value;
    }
  }
  return rows;
}

nlohmann::json flat_metrics(const ModelCard& card) {
  auto flat = nlohmann::json::object();
  for (const auto& [kind, scores] : card.metrics.items())
    for (const auto& [name, value] : scores.items()) flat[kind + ": " + name] = value;
  return flat;
}

nlohmann::json feature_recipes(const ModelCard& card) {
  auto recipes = nlohmann::json::object();
  for (const auto& feature : card.features)
    recipes[feature.name] = feature.recipe.empty() ? "unknown" : feature.recipe;
  return recipes;
}

nlohmann::json facts(const ModelCard& card) {
  return {{"method", card.method},
          {"samples", card.samples},
          {"trained", card.trained},
          {"data", card.data_hash},
          {"period", days_of(card)},
          {"region", region_of(card)},
          {"task", card.task == learn::Task::classification ? "classification" : "regression"}};
}

bool alike(const std::vector<nlohmann::json>& row) {
  return std::all_of(row.begin(), row.end(), [&](const auto& value) { return value == row[0]; });
}

// Why numbers side by side are not of the same thing.
std::vector<std::string> warnings(const std::vector<KnownModel>& models) {
  std::vector<std::string> out;
  std::set<std::string> data, labels;
  std::map<std::string, std::set<std::string>> tests;
  for (const auto& model : models) {
    data.insert(model.card->data_hash);
    labels.insert(model.card->label);
    // Rows out of bag are what the model has drawn; that its trees are others is said elsewhere.
    for (const auto& [kind, described] : model.card->tests.items())
      if (kind != learn::name(learn::TestKind::out_of_bag))
        tests[kind].insert(number_text(described));
  }
  if (data.contains(""))
    out.emplace_back(
        "of a model without a data hash nobody knows what its numbers were measured on");
  else if (data.size() > 1)
    out.emplace_back(
        "they were trained and measured on different data, so their numbers do not compare; "
        "`evaluate: {model: ..., table: ...}` tests each with the same samples");
  if (labels.size() > 1) out.emplace_back("they do not predict the same thing");
  for (const auto& [kind, described] : tests)
    if (described.size() > 1)
      out.push_back(
          fmt::format("their {} was not the same: {}", kind, fmt::join(described, " against ")));
  return out;
}

void print_rows(const char* title, const Rows& rows, bool all) {
  bool begun = false;
  for (const auto& [name, row] : rows) {
    if (!all && alike(row)) continue;
    if (!begun) std::cout << title << "\n";
    begun = true;
    std::string line = fmt::format("  {:<44}", name);
    for (const auto& value : row)
      line += fmt::format("  {:>20}", value.is_null() ? "-" : number_text(value).substr(0, 20));
    std::cout << line << "\n";
  }
}

OrderedJson rows_json(const Rows& rows) {
  auto json = OrderedJson::object();
  for (const auto& [name, row] : rows) json[name] = row;
  return json;
}

void compare(const ModelsArguments& arguments, const Commands& commands) {
  const auto models = chosen(arguments);
  const auto told = warnings(models);
  const auto metrics = rows_of(models, flat_metrics);
  const auto parameters = rows_of(models, [](const ModelCard& card) { return card.parameters; });
  const auto features = rows_of(models, feature_recipes);
  const auto about = rows_of(models, facts);
  if (commands.json) {
    auto names = OrderedJson::array();
    for (const auto& model : models) names.push_back(model.reference());
    std::cout << OrderedJson{{"models", names},
                             {"same_data", alike(about.at("data")) && about.at("data")[0] != ""},
                             {"warnings", told},
                             {"about", rows_json(about)},
                             {"metrics", rows_json(metrics)},
                             {"parameters", rows_json(parameters)},
                             {"features", rows_json(features)}}
                     .dump(1)
              << "\n";
    return;
  }
  std::string head = fmt::format("  {:<44}", "");
  for (const auto& model : models) head += fmt::format("  {:>20}", model.reference());
  std::cout << head << "\n";
  print_rows("about", about, true);
  print_rows("metrics", metrics, true);
  print_rows("parameters that differ", parameters, false);
  print_rows("features that differ", features, false);
  for (const auto& warning : told) std::cout << "note: " << warning << "\n";
}

}  // namespace

void add_models(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("models", "Models that runs have trained");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<ModelsArguments>();
  const auto add = [&](const char* name, const char* help, auto carry_out) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("--store", arguments->stores,
                    "Folders or buckets (s3://, gs://, az://); default: that of the last run")
        ->take_all();
    sub->add_flag("--json", commands.json, "As JSON");
    sub->callback([=, &commands] { carry_out(*arguments, commands); });
    return sub;
  };
  const char* const kReference = "NAME (the last of it), NAME@ID, an ID, or a file";
  add("list", "All models, oldest first: earlier ones of a name stay", list);
  auto* one = add("show", "What a model is: features, data, tests, what was made with it", show);
  one->add_option("MODEL", arguments->models, kReference)->required()->expected(1);
  one->add_flag("--stac", arguments->stac, "As a STAC item with the MLM extension");
  add("compare", "Metrics, parameters and features of models side by side", compare)
      ->add_option("MODEL", arguments->models, kReference)
      ->required()
      ->expected(2, 100);
}

}  // namespace geoloom::cli
