// SPDX-License-Identifier: Apache-2.0
// Where a chain's pixels become samples: a table of features and labels for each item.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>

#include "error/error.h"
#include "error/message_log.h"
#include "geo/calendar.h"
#include "learn/pixel_sampling.h"
#include "ops/class_names.h"
#include "ops/export/profile.h"
#include "ops/physical.h"
#include "ops/sample/left_out.h"
#include "ops/sample/shape_samples.h"
#include "ops/sample/table_product.h"
#include "workflow/ordered_map_parameter.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "sample",
    .kind = workflow::OpKind::sink,
    .version = 2,
    .summary = "Draw pixels or blocks as samples: a table of features and labels for each item",
    .documentation =
        R"(Draws pixels of the chain and keeps their bands as features, with the label that a band of the chain gives. Labels of a vector file
come into the chain by `rasterize` and `join`. Each tile or window gets a table; `merge_samples` makes one of all.

```yaml
- rasterize: {file: parcels.gpkg, column: crop, band: crop}
- join: {from: [features, labels]}
- sample: {layer: samples, label: crop, per_class: 200}
```

**Which pixels.** One of
- `number: 1500`: so many of the item's pixels; with `block: [32, 32]` so many blocks, which may overlap.
- `fraction: 0.1`: that share; of a label of classes, of each class. `fraction: {1: 0.5, 2: 0.05}` for some classes.
- `per_class: 200`: so many of each class, or `{1: 200, 2: 50}`.
- `stride: [10, 10]`: every tenth row and column.
- `all: true`: every pixel that has a label, as of rasterized points.

`seed` and the item's name decide which, and nothing else: a run of three tiles draws the pixels that a run of all tiles draws in them, whatever the blocks
and threads. `min_distance` keeps samples of one item (and class) apart.

**Left out** are pixels without a label, with a feature that is not valid (`incomplete: true` keeps them, as missing values), of a class in `exclude`, and where the band
`mask` is not valid or 0. A block is taken if all its pixels can be. Borders of classes are taken off before, by `erode_classes`. The log of each item tells
how many pixels were left out for which reason, and names the groups that give no sample: `geoloom runs logs`.

**Groups.** `group` names a band of whole numbers that says what belongs together, as the number of a polygon: `split` keeps its samples together. With `value: mean` or `median`, a
group becomes one sample: the mean or median of its pixels for each feature, the most frequent label, and the middle of its pixels as its place. For that, run
over windows of the polygons, so that each is in its window as a whole and only small parts of scenes are read; `own_group: true` takes only the group that the window is named
after, where polygons lie side by side.

**The table** has features (float32, physical values), label, x and y (centres, in the CRS of the grid), item, weight (how many pixels a sample stands for) and, of one
slice with a time, date. Several slices are columns one after another, `<band>_<date>`. Numbers of pixels and samples by class are kept in it,
and how each feature was made: `predict` compares that.)",
    .inputs = {{"pixels", "features, and a band of labels"}},
    .outputs = {}};

// What of the chain's bands is what.
struct Roles {
  std::vector<size_t> features;
  int label = -1, group = -1, mask = -1;
};

struct SampleSettings {
  std::string layer, label, label_type, group, mask, value = "pixel";
  std::vector<std::string> features;
  std::vector<int64_t> exclude;
  ClassNames classes;
  learn::DrawRule rule;
  double min_distance = 0;
  bool incomplete = false, own_group = false, all = false;

  bool of_groups() const { return value != "pixel"; }
};

learn::LabelType label_type_of(const SampleSettings& settings, const CubeSchema& input,
                               const Roles& roles) {
  if (roles.label < 0) return learn::LabelType::none;
  const bool classes =
      settings.label_type.empty()
          ? !settings.classes.by_value().empty() ||
                input.bands[static_cast<size_t>(roles.label)].kind == raster::BandKind::category
          : settings.label_type == "classes";
  return classes ? learn::LabelType::classes : learn::LabelType::number;
}

Roles roles_of(const SampleSettings& settings, const CubeSchema& input) {
  Roles roles;
  const auto find = [&](const std::string& band) {
    return band.empty() ? -1 : input.band_index(band);
  };
  roles.label = find(settings.label);
  roles.group = find(settings.group);
  roles.mask = find(settings.mask);
  for (const auto& band : settings.features)
    roles.features.push_back(static_cast<size_t>(input.band_index(band)));
  if (settings.features.empty())
    for (size_t band = 0; band < input.bands.size(); ++band) {
      const int index = static_cast<int>(band);
      if (index != roles.label && index != roles.group && index != roles.mask)
        roles.features.push_back(band);
    }
  if (roles.features.empty())
    throw Error(ErrorCode::invalid, "sample.features: the chain has no band left for features")
        .hint("join the features with the labels before");
  return roles;
}

// `recipes` are those of the input's bands; empty: not known.
learn::TableSchema schema_of(const SampleSettings& settings, const CubeSchema& input,
                             const std::vector<std::string>& recipes = {}) {
  const auto roles = roles_of(settings, input);
  learn::TableSchema schema;
  const bool one = input.slices.size() <= 1;
  for (size_t slice = 0; slice < std::max<size_t>(1, input.slices.size()); ++slice)
    for (const size_t band : roles.features) {
      const auto& from = input.bands[band];
      schema.features.push_back(
          {one ? from.name : fmt::format("{}_{}", from.name, input.slices[slice].label), from.unit,
           band < recipes.size() ? recipes[band] : std::string()});
    }
  schema.block_height = static_cast<size_t>(settings.rule.block_height);
  schema.block_width = static_cast<size_t>(settings.rule.block_width);
  schema.label_type = label_type_of(settings, input, roles);
  if (schema.label_type != learn::LabelType::none) schema.label = settings.label;
  if (schema.label_type == learn::LabelType::classes)
    for (const auto& [code, name] : settings.classes.by_value())
      schema.classes.push_back({code, name});
  schema.located = schema.weighted = true;
  schema.grouped = roles.group >= 0;
  schema.dated = input.slices.size() == 1 && input.slices[0].timed;
  learn::check(schema);
  return schema;
}

// From the first to the last time of the slices; nullopt where one has none.
std::optional<geo::Period> period_of(const CubeSchema& input) {
  std::optional<geo::Period> all;
  for (const auto& slice : input.slices) {
    if (!slice.timed) return std::nullopt;
    if (!all) all = slice.period;
    all->start = std::min(all->start, slice.period.start);
    all->end = std::max(all->end, slice.period.end);
  }
  return all;
}

// The chain's pixels as a sampler looks at them.
class PixelView {
 public:
  PixelView(const SampleSettings& settings, const CubeSchema& input)
      : settings_(settings),
        input_(input),
        roles_(roles_of(settings, input)),
        label_type_(label_type_of(settings, input, roles_)) {}

  struct Planes {
    std::vector<std::vector<float>> features;  // slice by slice, NaN: missing
    std::vector<LeftOut::Reason> reasons;      // the first that holds, in the order of LeftOut
    std::vector<int64_t> classes, groups;
    std::vector<double> numbers;

    void leave_out(size_t pixel, LeftOut::Reason reason) {
      if (reasons[pixel] == LeftOut::kTaken) reasons[pixel] = reason;
    }
    std::vector<uint8_t> eligible() const {
      std::vector<uint8_t> plane;
      for (const auto reason : reasons) plane.push_back(reason == LeftOut::kTaken ? 1 : 0);
      return plane;
    }
  };

  // `own_group`: pixels of others are left out.
  Planes planes_of(const raster::Block& block, std::optional<int64_t> own_group) const {
    Planes planes;
    planes.reasons.assign(block.pixels(), LeftOut::kTaken);
    take_label(block, planes);
    take_mask(block, planes);
    take_group(block, planes, own_group);
    for (size_t slice = 0; slice < block.slices(); ++slice)
      for (const size_t band : roles_.features) {
        auto& plane = planes.features.emplace_back(block.pixels());
        read_physical(block, input_.bands[band], band, slice, plane);
      }
    take_features(planes);
    return planes;
  }

  learn::LabelType label_type() const { return label_type_; }
  bool grouped() const { return roles_.group >= 0; }

 private:
  // With `incomplete` only pixels without any feature are left out: they say nothing.
  void take_features(Planes& planes) const {
    const auto missing_at = [](size_t i) {
      return [i](const std::vector<float>& plane) { return std::isnan(plane[i]); };
    };
    for (size_t f = 0; f < planes.features.size(); ++f)
      for (size_t i = 0; i < planes.reasons.size(); ++i)
        if (std::isnan(planes.features[f][i]) &&
            (!settings_.incomplete ||
             std::all_of(planes.features.begin(), planes.features.end(), missing_at(i))))
          planes.leave_out(i, LeftOut::kLacks + static_cast<LeftOut::Reason>(f));
  }

  std::vector<float> plane_of(const raster::Block& block, int band) const {
    std::vector<float> plane(block.pixels());
    const auto at = static_cast<size_t>(band);
    read_physical(block, input_.bands[at], at, 0, plane);
    return plane;
  }

  void take_label(const raster::Block& block, Planes& planes) const {
    if (roles_.label < 0) return;
    const auto labels = plane_of(block, roles_.label);
    const bool classes = label_type_ == learn::LabelType::classes;
    if (classes)
      planes.classes.assign(labels.size(), learn::kNoClass);
    else
      planes.numbers.assign(labels.begin(), labels.end());
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto code = learn::code_of(labels[i]);
      if (std::isnan(labels[i])) {
        planes.leave_out(i, LeftOut::kUnlabelled);
      } else if (classes) {
        if (!code)
          throw Error(ErrorCode::invalid,
                      fmt::format("sample.label: '{}' holds {}, which is no class", settings_.label,
                                  labels[i]))
              .hint("label_type: number");
        planes.classes[i] = *code;
      }
      if (code && std::find(settings_.exclude.begin(), settings_.exclude.end(), *code) !=
                      settings_.exclude.end())
        planes.leave_out(i, LeftOut::kExcluded);
    }
  }

  void take_group(const raster::Block& block, Planes& planes,
                  std::optional<int64_t> own_group) const {
    if (roles_.group < 0) return;
    const auto groups = plane_of(block, roles_.group);
    planes.groups.assign(groups.size(), learn::kNoGroup);
    for (size_t i = 0; i < groups.size(); ++i)
      planes.groups[i] = learn::code_of(groups[i]).value_or(learn::kNoGroup);
    if (!own_group) return;
    for (size_t i = 0; i < groups.size(); ++i)
      if (planes.groups[i] != *own_group) planes.reasons[i] = LeftOut::kOtherGroup;
  }

  void take_mask(const raster::Block& block, Planes& planes) const {
    if (roles_.mask < 0) return;
    const auto mask = plane_of(block, roles_.mask);
    for (size_t i = 0; i < mask.size(); ++i)
      if (std::isnan(mask[i]) || mask[i] == 0) planes.leave_out(i, LeftOut::kMasked);
  }

  const SampleSettings& settings_;
  const CubeSchema& input_;
  const Roles roles_;
  const learn::LabelType label_type_;
};

// The number of the feature that a window is named after.
std::optional<int64_t> number_in(const std::string& item) {
  const auto name = item.substr(0, item.find('.'));
  int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

class SampleSink : public workflow::Sink {
 public:
  SampleSink(const SampleSettings& settings, const workflow::SinkContext& context,
             const CubeSchema& input)
      : settings_(settings),
        context_(context),
        input_(input),
        view_(settings_, input_),
        schema_(schema_of(settings_, input_, context_.recipes)),
        left_out_(schema_.feature_names()) {
    schema_.crs = context.grid.crs.name();
    // A group travels with the pixel, as one more feature: as a whole number of 24 bit it is exact.
    features_ = schema_.features.size() + (view_.grouped() ? 1 : 0);
    if (settings_.of_groups() || settings_.all)
      shapes_ = std::make_unique<ShapeSamples>(features_, context_.grid.width);
    else
      sampler_ =
          std::make_unique<learn::PixelSampler>(settings_.rule, context.item, context.grid.width,
                                                context.grid.height, features_, view_.label_type());
    if (settings_.own_group) {
      own_ = number_in(context.item);
      if (!own_)
        throw Error(ErrorCode::invalid,
                    "sample.own_group: the window is not named after a number of its feature")
            .hint("over: {windows_of: {file: ..., name: ID}} with the column that `group` holds");
    }
  }

  void write(const raster::Block& block) override {
    const auto planes = view_.planes_of(block, own_);
    const auto eligible = planes.eligible();
    left_out_.add(planes.reasons, planes.groups);
    learn::ItemPart part;
    part.x = block.window().x;
    part.y = block.window().y;
    part.width = block.window().width;
    part.height = block.window().height;
    part.eligible = eligible;
    part.classes = planes.classes;
    part.numbers = planes.numbers;
    part.features_at = [&planes](size_t index, std::span<float> to) {
      for (size_t i = 0; i < planes.features.size(); ++i) to[i] = planes.features[i][index];
      if (!planes.groups.empty())
        to[planes.features.size()] = static_cast<float>(planes.groups[index]);
    };
    if (shapes_)
      shapes_->add(part, planes.groups);
    else
      sampler_->add(part);
  }

  workflow::Product finish() override {
    auto drawn = shapes_ ? shapes_->finish(settings_.value, view_.label_type(), settings_.rule.seed)
                         : sampler_->finish();
    tell_left_out(drawn);
    const auto table = table_of(drawn);
    const auto to =
        fmt::format("{}/{}_{}.npz", context_.scratch_folder, settings_.layer, context_.item);
    learn::write_table(to, table);
    auto product = table_product(settings_.layer, to, learn::describe_table(to));
    product.metrics.reset();  // of one item; the merged table has those of all
    product.grid = context_.grid;
    return product;
  }

 private:
  void tell_left_out(const learn::DrawnSamples& drawn) const {
    for (const auto& line : left_out_.lines()) tell(MessageLevel::note, line);
    if (drawn.incomplete > 0)
      tell(MessageLevel::note,
           fmt::format("sample: blocks that were drawn and hold pixels that are left out: {}",
                       drawn.incomplete));
    if (drawn.too_near > 0)
      tell(MessageLevel::note, fmt::format("sample: samples that were drawn and are nearer "
                                           "than min_distance to another one: {}",
                                           drawn.too_near));
  }

  learn::SampleTable table_of(const learn::DrawnSamples& drawn) const {
    auto table = learn::empty_table(schema_, drawn.rows());
    table.items = {context_.item};
    table.sampling = drawn.record;
    table.sampling.period = period_of(input_);
    take_features(drawn, table);
    if (schema_.label_type == learn::LabelType::classes) table.class_labels = drawn.class_labels;
    if (schema_.label_type == learn::LabelType::number) table.number_labels = drawn.number_labels;
    for (size_t row = 0; row < drawn.rows(); ++row) {
      const auto box = context_.grid.box(geo::Window{
          drawn.x[row], drawn.y[row], settings_.rule.block_width, settings_.rule.block_height});
      table.x[row] = shapes_ ? shapes_->x_of(row, context_.grid) : (box.min_x + box.max_x) / 2;
      table.y[row] = shapes_ ? shapes_->y_of(row, context_.grid) : (box.min_y + box.max_y) / 2;
      if (schema_.dated)
        table.date[row] = geo::floor_div(input_.slices[0].period.start, geo::kDayMs);
    }
    table.weight = drawn.weight;
    add_classes(table);
    return table;
  }

  // Groups were carried as the last feature.
  void take_features(const learn::DrawnSamples& drawn, learn::SampleTable& table) const {
    const size_t columns = schema_.features.size(), pixels = schema_.block_pixels();
    for (size_t i = 0; i < drawn.rows() * pixels; ++i) {
      std::copy_n(drawn.features.begin() + static_cast<ptrdiff_t>(i * features_), columns,
                  table.features.begin() + static_cast<ptrdiff_t>(i * columns));
      if (view_.grouped() && i % pixels == 0) {
        const float group = drawn.features[i * features_ + columns];
        table.group[i / pixels] = learn::code_of(group).value_or(learn::kNoGroup);
      }
    }
  }

  // All that were there to draw from; a class that the document does not name keeps its number.
  void add_classes(learn::SampleTable& table) const {
    if (schema_.label_type != learn::LabelType::classes) return;
    std::map<int64_t, std::string> classes;
    for (const auto& [code, name] : schema_.classes) classes.emplace(code, name);
    for (const auto& rate : table.sampling.rates)
      if (rate.code != learn::kNoClass) classes.emplace(rate.code, "");
    for (const int64_t code : learn::codes_in(table)) classes.emplace(code, "");
    table.schema.classes.clear();
    for (const auto& [code, name] : classes) table.schema.classes.push_back({code, name});
  }

  const SampleSettings settings_;
  const workflow::SinkContext context_;
  const CubeSchema input_;
  const PixelView view_;
  learn::TableSchema schema_;
  LeftOut left_out_;
  size_t features_ = 0;
  std::optional<int64_t> own_;
  std::unique_ptr<learn::PixelSampler> sampler_;
  std::unique_ptr<ShapeSamples> shapes_;
};

// A number for all classes, or numbers by class.
template <class T>
void take_by_class(const workflow::Value& value, const char* what, T& all,
                   std::map<int64_t, T>& by_class) {
  const auto number = [&](const workflow::Value& from) {
    T result{};
    workflow::Parameter parameter;
    parameter.lowest = 0;
    workflow::ParameterType<T>::parse(from, parameter, fmt::format("sample.{}", what), result);
    return result;
  };
  if (value.kind != workflow::Value::Kind::map) {
    all = number(value);
    return;
  }
  for (const auto& [key, member] : value.map) {
    int64_t code = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), code);
    if (error != std::errc{} || end != key.data() + key.size())
      throw member.error(fmt::format("sample.{}: '{}' is no code of a class", what, key));
    by_class[code] = number(member);
  }
}

class Sample : public workflow::SinkOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;
  std::string layer() const override { return settings_.layer; }
  workflow::LayerKind layer_kind() const override { return workflow::LayerKind::table; }

  CubeSchema plan(const CubeSchema& input) const override {
    (void)schema_of(settings_, input);
    return input;
  }
  bool keeps_recipes() const override { return true; }
  void describe(workflow::LayerInfo& info, const CubeSchema& input,
                const std::vector<std::string>& recipes) const override {
    auto schema = schema_of(settings_, input, recipes);
    info.table = std::make_shared<const learn::TableSchema>(std::move(schema));
  }
  size_t memory_bytes(const geo::Grid& grid, const CubeSchema& input) const override {
    const size_t features = schema_of(settings_, input).features.size() + 1;
    if (settings_.of_groups() || settings_.all)
      return std::min<size_t>(static_cast<size_t>(grid.width * grid.height),
                              ShapeSamples::kMostPixels) *
                 (features * sizeof(float) + 64) +
             (1 << 20);
    return learn::PixelSampler::memory_bytes(rule_on(grid), grid.width, grid.height, features);
  }
  std::unique_ptr<workflow::Sink> open(const workflow::SinkContext& context,
                                       const CubeSchema& input) const override {
    auto settings = settings_;
    settings.rule = rule_on(context.grid);
    return std::make_unique<SampleSink>(settings, context, input);
  }

 private:
  learn::DrawRule rule_on(const geo::Grid& grid) const {
    auto rule = settings_.rule;
    rule.min_distance_pixels =
        settings_.min_distance / std::max(grid.pixel_width, grid.pixel_height);
    return rule;
  }
  void choose_method();

  SampleSettings settings_;
  int64_t number_ = 0, seed_ = 42;
  std::map<std::string, std::string> classes_;
  workflow::Value fraction_, per_class_;
  std::vector<int64_t> block_, stride_;
};

void Sample::declare(workflow::Parameters& parameters) {
  parameters.add("layer", &settings_.layer, "Name of the layer of tables")
      .main()
      .required()
      .meaning(workflow::Meaning::layer);
  parameters.add("label", &settings_.label, "Band that holds the answer. Default: none")
      .meaning(workflow::Meaning::band);
  parameters
      .add("label_type", &settings_.label_type,
           "Default: classes for a band of classes, and with `classes`")
      .choices({"classes", "number"});
  parameters.add("classes", &classes_, "Names of classes: {1: crop, 0: other}");
  parameters.add("features", &settings_.features, "Bands to keep. Default: all others")
      .meaning(workflow::Meaning::band);
  parameters.add("group", &settings_.group, "Band of numbers that says what belongs together")
      .meaning(workflow::Meaning::band);
  parameters.add("mask", &settings_.mask, "Band: pixels where it is 0 or invalid are not drawn")
      .meaning(workflow::Meaning::band);
  parameters.add("exclude", &settings_.exclude, "Labels that are not drawn");
  parameters.add("number", &number_, "Samples per item").range(1, 1e9);
  parameters.add("fraction", &fraction_, "Share of the pixels, or shares by class");
  parameters.add("per_class", &per_class_, "Samples of each class and item, or by class");
  parameters.add("stride", &stride_, "[rows, columns]: a grid of samples").range(1, 1e6);
  parameters.add("all", &settings_.all, "All pixels that have a label");
  parameters.add("block", &block_, "[height, width] of a sample").unit("px").range(1, 4096);
  parameters.add("seed", &seed_, "Another one draws other pixels").range(0, 9e15);
  parameters.add("min_distance", &settings_.min_distance, "Between samples of an item and class")
      .unit("m")
      .range(0, 1e9);
  parameters.add("incomplete", &settings_.incomplete, "Also pixels that lack some features");
  parameters.add("value", &settings_.value, "Of a group: each pixel, or one sample of all")
      .choices({"pixel", "mean", "median"});
  parameters.add("own_group", &settings_.own_group,
                 "Of windows: only the group that the window is named after");
}

void Sample::choose_method() {
  auto& rule = settings_.rule;
  const bool fraction = fraction_.kind != workflow::Value::Kind::null;
  const bool per_class = per_class_.kind != workflow::Value::Kind::null;
  const int methods = (number_ > 0) + fraction + per_class + !stride_.empty() + settings_.all +
                      settings_.of_groups();
  if (methods != 1)
    throw Error(ErrorCode::invalid, methods == 0 ? "sample: nothing says which pixels to draw"
                                                 : "sample: several ways to draw pixels are given")
        .hint("give one of number, fraction, per_class, stride, all, or value: mean|median");
  rule.number = static_cast<uint64_t>(number_);
  if (fraction) {
    rule.method = learn::DrawMethod::fraction;
    take_by_class(fraction_, "fraction", rule.fraction, rule.fraction_of_class);
  } else if (per_class) {
    rule.method = learn::DrawMethod::per_class;
    int64_t all = 0;
    std::map<int64_t, int64_t> by_class;
    take_by_class(per_class_, "per_class", all, by_class);
    rule.number = static_cast<uint64_t>(all);
    for (const auto& [code, count] : by_class)
      rule.number_of_class[code] = static_cast<uint64_t>(count);
  } else if (!stride_.empty()) {
    rule.method = learn::DrawMethod::grid;
    if (stride_.size() != 2) throw Error(ErrorCode::invalid, "sample.stride: give [rows, columns]");
    rule.stride_rows = stride_[0];
    rule.stride_columns = stride_[1];
  }
}

void Sample::check() {
  check_layer_name("sample.layer", settings_.layer);
  settings_.rule.seed = static_cast<uint64_t>(seed_);
  if (!block_.empty()) {
    if (block_.size() != 2) throw Error(ErrorCode::invalid, "sample.block: give [height, width]");
    settings_.rule.block_height = block_[0];
    settings_.rule.block_width = block_[1];
  }
  settings_.classes = ClassNames(classes_, "sample.classes");
  choose_method();
  if ((settings_.of_groups() || settings_.own_group) && settings_.group.empty())
    throw Error(ErrorCode::invalid, "sample.group: no band says what belongs together")
        .hint("rasterize the shapes' numbers and name that band");
  if (settings_.all && settings_.label.empty())
    throw Error(ErrorCode::invalid, "sample.all: takes all pixels that have a label")
        .hint("name the band of labels");
  if ((settings_.of_groups() || settings_.all) && !block_.empty())
    throw Error(ErrorCode::invalid, "sample.block: is for drawn samples only");
  if (!settings_.of_groups() && !settings_.all) learn::check(settings_.rule);
}

}  // namespace

std::unique_ptr<workflow::Op> make_sample() {
  return std::make_unique<Sample>();
}

}  // namespace geoloom::ops
