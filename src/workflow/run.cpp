// SPDX-License-Identifier: Apache-2.0
#include "workflow/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "error/spelling.h"
#include "gdal/dataset.h"
#include "store/checksum.h"
#include "workflow/document_reading.h"
#include "workflow/layers_prepared.h"
#include "workflow/step_references.h"

namespace geoloom::workflow {
namespace {

// What a document names and is not there is a mistake in the document, like any other.
[[noreturn]] void throw_as_document_error(const Error& error, const Place& place) {
  const auto& data_file = error.place().file;
  const bool named = data_file.empty() || error.place().line > 0 ||
                     error.message().find(data_file) != std::string::npos;
  Error wrong(error.code() == ErrorCode::missing ? ErrorCode::invalid : error.code(),
              named ? error.message() : data_file + ": " + error.message());
  auto where = error.place();
  if (where.line == 0) {  // a data file, not a place in the document
    where.file = place.file;
    where.line = place.line;
    where.column = place.column;
  }
  wrong.at(where).at(place).hint(error.hint()).cause(error.cause());
  throw wrong;
}

Json report_to_json(const FreezeReport& report) {
  Json filters = Json::array(), dropped = Json::array();
  for (const auto& [filter, left] : report.after_filter) filters.push_back({filter, left});
  for (const auto& d : report.dropped)
    dropped.push_back({{"scene", d.scene}, {"reason", d.reason}});
  return {{"after_filter", filters},
          {"notes", report.notes},
          {"dropped", dropped},
          {"scenes", report.scenes},
          {"offset_applied", report.offset_applied}};
}

// The contents of the files an op reads, as the record keeps them.
Json files_of(const Node& node) {
  Json files = Json::array();
  try {
    for (const auto& input : node.op->files()) {
      const auto content = gdal::read_file(input.path, input.limit_bytes);
      files.push_back({{"path", input.path}, {"sha256", store::sha256_hex(content)}});
      if (!input.by_reference) files.back()["content"] = content;
      // JSON holds text only; find out here, with a place, and not when the record is written.
      (void)files.back().dump();
    }
  } catch (const Error& error) {
    throw_as_document_error(error, node.place);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::invalid, "the file is not UTF-8 text").at(node.place);
  }
  return files;
}

// What decides when a run is complete; how often and how long items are tried does not.
Json conditions_of(const StepPolicy& policy) {
  Json conditions = Json::object();
  if (policy.min_ok) conditions["min_ok"] = ParameterType<Portion>::to_json(*policy.min_ok);
  if (policy.waits_for)
    conditions["waits_for"] = ParameterType<WaitsFor>::to_json(*policy.waits_for);
  return conditions;
}

// "base.yaml:4": where a parameter's value is written.
std::string place_of_text(const Value& value) {
  return fmt::format("{}:{}", value.file, value.line);
}

// Its steps work on tables, models and vector files as a whole.
bool makes_no_pixels(const Workflow& workflow) {
  return std::none_of(workflow.steps.begin(), workflow.steps.end(), [](const Step& step) {
    return step.needs_grid() || step.domain.extent != Domain::Extent::whole;
  });
}

// Of a document that makes no pixels and so needs none: the Earth, as one pixel.
Area whole_earth() {
  geo::Grid grid;
  grid.crs = geo::Crs::parse("EPSG:4326");
  grid.origin_x = -180;
  grid.origin_y = 90;
  grid.pixel_width = 360;
  grid.pixel_height = 180;
  grid.width = grid.height = 1;
  Area area;
  area.zones = {{"all", grid}};
  area.tiling = {1, 1};
  return area;
}

Area area_of(const Workflow& workflow, const RunOptions& options) {
  const auto& area = workflow.document.area;
  if (!area.is_null() || !makes_no_pixels(workflow))
    return resolve_area(area, options.trial_resolution);
  if (options.trial_resolution)
    throw Error(ErrorCode::invalid, "--resolution: the document has no area and makes no pixels");
  return whole_earth();
}

}  // namespace

std::unique_ptr<Run> Run::create(const Document& resolved, const Registry& registry,
                                 const RunOptions& options, const std::string& build) {
  std::unique_ptr<Run> run(new Run(registry));
  run->workflow_ = compile(resolved, registry);
  auto& record = run->record_;
  record.build = build;
  record.document_file = resolved.file;
  record.document_text = resolved.text;
  record.document_files = resolved.files;
  record.parameters = Json::object();
  for (const auto& [name, value] : resolved.values) {
    const auto origin = resolved.origins.find(name);
    record.parameters[name] = {
        {"value", to_json(value)},
        {"origin", origin == resolved.origins.end() ? "default" : origin->second}};
    if (value.line > 0) record.parameters[name]["place"] = place_of_text(value);
  }
  record.profile = resolved.profile;
  try {
    record.area = area_of(run->workflow_, options);
  } catch (const Error& error) {
    throw_as_document_error(error, resolved.area.place());
  }
  record.options = options;
  run->freeze_windows();
  run->freeze_sources();
  run->open_record();
  Json chains = Json::object();
  for (const auto& step : run->workflow_.steps)
    for (const auto& chain : step.chains)
      chains[item_name(step.name, chain.labels)] = chain.identity();
  Json contents{{"area", area_to_json(record.area)},
                {"chains", chains},
                {"files", record.files},
                {"only", options.only},
                {"sample", options.selection.sample},
                {"sources", record.sources},
                {"tiles", options.selection.tiles}};
  for (const auto& step : run->workflow_.steps) {
    if (auto conditions = conditions_of(step.policy); !conditions.empty())
      contents["conditions"][step.name] = std::move(conditions);
    if (step.when) contents["when"][step.name] = step.when->text();
  }
  // It changes no result, but the record is what workers carry out.
  if (!record.profile.empty()) contents["profile"] = record.profile;
  if (!run->workflow_.document.trials.is_null())
    contents["trials"] = to_json(run->workflow_.document.trials);
  for (const auto& output : run->workflow_.outputs)
    contents["outputs"][output.name] = output.expression.text();
  for (const auto& [step, found] : record.windows)
    contents["windows"][step] = windows_to_json(found);
  record.content_hash = store::sha256_hex(contents.dump());
  return run;
}

std::unique_ptr<Run> Run::open(const RunRecord& record, const Registry& registry) {
  std::unique_ptr<Run> run(new Run(registry));
  run->record_ = record;
  run->compile_record();
  run->open_record();
  return run;
}

void Run::compile_record() {
  auto document =
      parse_document(record_.document_text, record_.document_file, &record_.document_files);
  std::map<std::string, GivenParameter> given;
  for (const auto& [name, entry] : record_.parameters.items()) {
    const auto origin = entry.at("origin").get<std::string>();
    if (origin == "default") continue;  // the document itself says it, null included
    given[name] = {parse_yaml_scalar(entry.at("value").dump(), origin), origin};
  }
  document.profile = record_.profile;
  resolve(document, given, record_.late);
  workflow_ = compile(document, registry_);
}

// Everything that follows from the workflow and what was frozen of it.
void Run::open_record() {
  steps_.clear();
  layers_.clear();
  open_all();
  plan_layers();
  check_conditions();
  check_late();
}

void Run::go_on_with(RunRecord record) {
  record_ = std::move(record);
  if (record_.late.empty()) return;
  compile_record();
  open_record();
}

void Run::set_late(const std::string& step, const LateValues& values) {
  const auto before = record_;
  try {
    record_.late[step] = values;
    compile_record();
    for (const auto& each : workflow_.steps) {
      if (each.name != step || each.waits) continue;
      freeze_windows(each);
      freeze_step(each);
    }
    open_record();
  } catch (const Error&) {
    record_ = before;
    compile_record();
    open_record();
    throw;
  }
}

void Run::freeze_windows() {
  for (const auto& step : workflow_.steps) freeze_windows(step);
}

void Run::freeze_windows(const Step& step) {
  if (!step.domain.over_windows()) return;
  try {
    record_.windows[step.name] = find_windows(*step.domain.windows, record_.area);
  } catch (const Error& error) {
    throw_as_document_error(error, step.place);
  }
}

void Run::freeze_sources() {
  record_.sources = Json::object();
  record_.reports = Json::object();
  record_.files = Json::object();
  for (const auto& step : workflow_.steps)
    if (!step.waits) freeze_step(step);
}

void Run::freeze_step(const Step& step) {
  size_t without_scenes = 0;
  for (size_t c = 0; c < step.chains.size(); ++c) {
    const auto last = without_scenes + 1 == step.chains.size();
    without_scenes += freeze_chain(step, c, last) ? 0 : 1;
  }
  read_files(step);
}

// False when there is no scene for a chain, which only the last one of a step that has none at all
// takes for an error.
bool Run::freeze_chain(const Step& step, size_t c, bool must_have_scenes) {
  for (size_t n = 0; n < step.chains[c].nodes.size(); ++n) {
    const auto& node = step.chains[c].nodes[n];
    const auto* task = dynamic_cast<const ItemTaskOp*>(node.op.get());
    if (node.kind() != OpKind::source && task == nullptr) continue;
    const auto key = node_key(step, c, n);
    try {
      record_.sources[key] = task != nullptr ? task->freeze(zones(), reports_[key])
                                             : node.source().freeze(zones(), reports_[key]);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::empty || must_have_scenes)
        throw_as_document_error(error, node.place);
      record_.sources[key] = nullptr;
      reports_[key].notes.push_back(error.message());
    }
    record_.reports[key] = report_to_json(reports_[key]);
    if (record_.sources[key].is_null()) return false;
  }
  return true;
}

void Run::read_files(const Step& step) {
  for (size_t c = 0; c < step.chains.size(); ++c) {
    for (size_t n = 0; n < step.chains[c].nodes.size(); ++n) {
      auto files = files_of(step.chains[c].nodes[n]);
      if (!files.empty()) record_.files[node_key(step, c, n)] = std::move(files);
    }
  }
}

std::vector<Item> Run::items_of(const Step& step) const {
  const auto& area = record_.area;
  std::vector<AxisLabels> labels;
  for (const auto& chain : step.chains) labels.push_back(chain.labels);
  const bool whole = step.domain.extent == Domain::Extent::whole;
  if (whole && !step.needs_grid()) return times_chains({whole_area_item(zones())}, labels);
  if (whole && zones().size() > 1)
    throw Error(ErrorCode::invalid,
                fmt::format("step '{}' has no tiles or zones in `over`, but the area has {} pixel "
                            "grids ({}, {}...)",
                            step.name, zones().size(), zones()[0].name, zones()[1].name))
        .at(step.place)
        .hint("say `over: zones` to carry it out once for each of them");
  const bool windows = step.domain.over_windows();
  if (!windows && !step.domain.over_tiles()) return times_chains(zone_items(zones()), labels);
  const auto& selection = record_.options.selection;
  auto items =
      windows ? window_items(record_.windows.at(step.name).windows, zones()) : tile_items(area);
  if (selection.everything()) return times_chains(items, labels);
  // A selection is of tiles, and of what lies in them.
  items = windows ? items_touching(items, select_items(tile_items(area), selection))
                  : select_items(items, selection);
  return times_chains(items, labels);
}

ChainRun Run::open_chain(const Step& step, size_t c) {
  ChainRun run;
  run.chain = &step.chains[c];
  run.layers_prepared = std::make_shared<LayersPrepared>();
  run.recipes = std::make_shared<RecipeMemory>();
  for (size_t n = 0; n < run.chain->nodes.size(); ++n) {
    const auto& node = run.chain->nodes[n];
    const auto key = node_key(step, c, n);
    std::unique_ptr<Source> source;
    if (node.kind() == OpKind::source) {
      const auto frozen = record_.sources.value(key, Json());
      run.empty = run.empty || frozen.is_null();
      if (!run.empty) source = node.source().open(frozen, zones(), *this);
    }
    run.sources.push_back(std::move(source));
    std::unique_ptr<ItemWork> work;
    if (const auto* task = dynamic_cast<const ItemTaskOp*>(node.op.get())) {
      const auto frozen = record_.sources.value(key, Json());
      if (!frozen.is_null()) work = task->open(frozen, zones());
    }
    run.works.push_back(std::move(work));
    auto& contents = run.files.emplace_back();
    if (const auto files = record_.files.find(key); files != record_.files.end()) {
      for (const auto& file : *files) {
        contents.push_back({file.at("path").get<std::string>(),
                            file.at("sha256").get<std::string>(), file.value("content", "")});
        run.file_hashes.push_back(file.at("sha256"));
      }
    }
    try {
      run.prepared.push_back(node.kind() == OpKind::block ? node.block().prepare(contents)
                                                          : nullptr);
    } catch (Error& error) {
      error.at(node.place);
      throw;
    }
  }
  run.identity =
      fmt::format(R"("chain":{},"files":{})", run.chain->identity().dump(), run.file_hashes.dump());
  return run;
}

void Run::open_all() {
  const auto& only = record_.options.only;
  std::vector<std::string> names;
  for (const auto& step : workflow_.steps) names.push_back(step.name);
  for (const auto& wanted : only)
    if (std::find(names.begin(), names.end(), wanted) == names.end())
      throw Error(ErrorCode::invalid, fmt::format("--only: there is no step '{}'", wanted))
          .hint(spelling_hint(wanted, names));
  for (const auto& step : workflow_.steps) {
    StepRun run;
    run.step = &step;
    run.zones = &zones();
    run.infos = this;
    run.selected = only.empty() || std::find(only.begin(), only.end(), step.name) != only.end();
    run.known = is_known(step);
    if (run.known) {
      run.items = items_of(step);
      for (size_t c = 0; c < step.chains.size(); ++c) run.chains.push_back(open_chain(step, c));
    }
    steps_.push_back(std::move(run));
  }
}

// Of steps in their order, each once those before it are in steps_.
bool Run::is_known(const Step& step) const {
  if (step.waits) return false;
  return std::all_of(step.layers_read.begin(), step.layers_read.end(), [&](const auto& layer) {
    const auto producer = workflow_.layer_producer.at(layer);
    return producer >= steps_.size() || steps_[producer].known;  // the step itself, if not before
  });
}

// Of the first zone that has scenes, else of the first; nullopt: there are none for the chain.
std::optional<ItemPlan> Run::plan_chain(const StepRun& run, size_t c) const {
  std::optional<ItemPlan> fallback;
  if (run.chains[c].empty) return fallback;
  for (auto item : zone_items(zones())) {
    item.chain = c;
    item.labels = std::make_shared<const AxisLabels>(run.chains[c].chain->labels);
    auto plan = run.plan(item, nullptr);
    if (!plan.empty()) return plan;
    if (!fallback) fallback = std::move(plan);
  }
  return fallback;
}

// The first zone and chain that have scenes tell what a layer looks like.
ItemPlan Run::plan_whole(const StepRun& run) const {
  std::optional<ItemPlan> fallback;
  for (size_t c = 0; c < run.chains.size(); ++c) {
    auto plan = plan_chain(run, c);
    if (plan && !plan->empty()) return std::move(*plan);
    if (!fallback) fallback = std::move(plan);
  }
  if (!fallback)
    throw Error(ErrorCode::internal, "no chain of the step has scenes").at(run.step->place);
  return std::move(*fallback);
}

// Schemas flow from sources to layers and on to the steps that read them, for the whole area.
void Run::plan_layers() {
  for (const auto& run : steps_) {
    if (!run.known) continue;
    const auto& step = *run.step;
    if (step.is_task()) {
      for (const auto& node : step.nodes()) {
        try {
          auto info = node.task().plan(*this);
          info.step = step.name;
          info.domain = step.domain;
          info.recipes = recipes_of_task(node, info, *this);
          layers_[info.name] = std::move(info);
        } catch (Error& error) {
          error.at(node.place);
          throw;
        }
      }
      continue;
    }
    const auto plan = plan_whole(run);
    check_trials_alike(run);
    for (size_t n = 0; n < step.nodes().size(); ++n) {
      if (step.nodes()[n].kind() != OpKind::sink) continue;
      const auto& sink = step.nodes()[n].sink();
      LayerInfo info;
      info.name = sink.layer();
      info.step = step.name;
      info.domain = step.domain;
      info.schema = plan.nodes[n].outputs.front();
      info.kind = sink.layer_kind();
      const auto& input = step.nodes()[n].inputs.front();
      const auto& pixels = plan.nodes[input.node].outputs[input.output];
      const auto& recipes = plan.recipes_of(input);
      info.recipes = recipes_by_name(pixels, recipes, info.schema);
      sink.describe(info, pixels, recipes);
      layers_[info.name] = std::move(info);
    }
  }
}

bool Run::given_up(const StepRun& step, const Item& item) const {
  if (record_.trials.empty()) return false;
  return std::any_of(item.at().begin(), item.at().end(), [&](const auto& label) {
    const auto outcome = record_.trials.find(label.first);
    return outcome != record_.trials.end() && step.step->domain.find(label.first) != nullptr &&
           outcome->second.gave_up(label.second);
  });
}

geo::Window Run::selected_window(size_t zone) const {
  geo::Window bounds;
  for (const auto& run : steps_) {
    if (!run.step->domain.over_tiles()) continue;
    for (const auto& item : run.items) {
      if (item.zone != zone) continue;
      if (bounds.empty()) {
        bounds = item.window;
        continue;
      }
      const auto right = std::max(bounds.right(), item.window.right());
      const auto bottom = std::max(bounds.bottom(), item.window.bottom());
      bounds.x = std::min(bounds.x, item.window.x);
      bounds.y = std::min(bounds.y, item.window.y);
      bounds.width = right - bounds.x;
      bounds.height = bottom - bounds.y;
    }
  }
  return bounds.empty() ? zones()[zone].grid.window() : bounds;
}

const LayerInfo& Run::info(const std::string& layer) const {
  const auto found = layers_.find(layer);
  if (found != layers_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name, info] : layers_) known.push_back(name);
  throw Error(ErrorCode::invalid, fmt::format("there is no layer '{}'", layer))
      .hint(spelling_hint(layer, known));
}

std::vector<Layers::Entry> Run::files(const std::string& layer, const Item&) const {
  throw Error(ErrorCode::internal,
              "the files of layer '" + layer + "' are not known before it is made");
}

std::vector<LayerFile> Run::files(const std::string& layer, const Item&,
                                  const LayerSelection&) const {
  throw Error(ErrorCode::internal,
              "the files of layer '" + layer + "' are not known before it is made");
}

}  // namespace geoloom::workflow
