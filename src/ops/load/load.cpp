// SPDX-License-Identifier: Apache-2.0
// Where pixels come from: a series of scenes, or a layer that another step made.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include "catalog/scene_search.h"
#include "error/error.h"
#include "error/spelling.h"
#include "geo/solar_day.h"
#include "ops/load/asset_access.h"
#include "ops/load/layer_source.h"
#include "ops/load/load_parameters.h"
#include "ops/load/mask_classes.h"
#include "ops/load/mask_expression.h"
#include "ops/load/series_freezer.h"
#include "ops/load/series_source.h"
#include "ops/load/source_scenes.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using workflow::Json;

const workflow::OpDescription kDescription{
    .name = "load",
    .kind = workflow::OpKind::source,
    .version = 1,
    .summary = "Read a series of scenes, or a layer made by another step",
    .documentation =
        R"(Gives a cube: the bands asked for, one slice per scene in the order of time, collection and id
(scenes without time, those of a list file, and with `order: given` all, keep the order given; with
`order: cloud_cover` the clearest comes first). Scenes are looked up once,
when the run is created; plan and run then work on that frozen list.

With `source` the scenes are those of an archive that the document describes under `sources`: a STAC
API, a catalogue or a folder, with its sensor, filters and credentials (docs/archives.md).

**Dates.** `group_by: solar_day`, the default with `source`, puts the scenes of one day into one slice. The
day is that of the sun, UTC + longitude / 15 hours at the scene's centre, so an overpass is one date
wherever the UTC day ends; `period` then counts solar days. A date without a time of day, which is
midnight in UTC, is that day wherever the scene lies. Where scenes of a day overlap, a pixel is taken
from one of them with all its bands: the first that is valid there, newest processing baseline first,
then by id. `group_by: scene`, the default with `scenes`, makes a slice of each scene.

**Grid.** Where a scene's pixels nest with the grid of the area (the same CRS, equal pixels or a whole
number of times larger or smaller) they are taken by nearest neighbour: repeated where a band is
coarser (20 m beside 10 m), picked where it is finer. Other scenes are warped by `resampling`: of any
CRS, pixel size and shift. A warped pixel is valid where at least half of what it is made of is.
Scenes that do not touch the area are counted out.

**What is valid.** A pixel of a slice is valid only where *all* loaded bands are: inside of the
scene, not nodata, not NaN, and allowed by the file's own mask band if it has one. Then `mask` is
applied, whose rules look up bands of the same scene; where such a band itself is invalid, the pixel
is. A rule may `clean` its mask, on the mask's own pixels and in order, before it is applied; another
takes out the shadows of clouds and of the terrain (docs/masks.md). Then
`reject` takes out pixels in which any loaded band equals one of the values. Rules, nodata and
rejected values are compared with the samples as stored, before scale and offset. Of scenes that are
warped, pixels are taken out before the warp.

**Types.** Pixels keep their type: uint8, uint16, int16 or float32; int8 becomes int16, wider types
become float32. All scenes must agree in type.

**Scale and offset** are kept beside the pixels (`physical = stored * scale + offset`). They come
from `scale` and `offset` here, else from STAC, else from the file. Where scenes differ in offset
only (Sentinel-2 before and after processing baseline 04.00), all are brought to one: to 0 if any
scene has it, else to that of the first. When that is a shift by whole steps, integers become int16
and values beyond its range are clipped and counted; otherwise, and where scales differ, pixels
become physical float32 values.

**Broken scenes** fail the item they are needed for. `tolerate` says how many may be left out of an
item; those are recorded in its receipt and in the output. A header that cannot be read is met when
the run is created and counts too.

With `layer` the pixels of another step's layer are read, item by item, with its slices; of the other
parameters only `bands`, `at` and `along` go with it. A layer made over an axis of values (`over:
[tiles, {month: 2018}]`) has a file for each: an item reads that of its own month; `at: {month:
2018-05}` names one, and `along: month` reads all of them as one cube over time.)",
    .inputs = {},
    .outputs = {{"series", "the bands over time"}}};

class Load : public workflow::SourceOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override { parameters_.declare(parameters); }
  void check() override;

  Json freeze(const std::vector<workflow::Zone>& zones,
              workflow::FreezeReport& report) const override {
    if (!parameters_.layer.empty()) return Json::object();
    if (!parameters_.source.empty()) {
      auto found = find_source_scenes(parameters_, zones, report);
      std::vector<const catalog::Scene*> scenes;
      for (const auto& scene : found.scenes) scenes.push_back(&scene);
      const auto access = access_rules(parameters_.source, scenes);
      if (parameters_.clearest_first()) sort_by_cloud_cover(found.scenes);
      return freeze_series(std::move(found.scenes), parameters_, zones, report,
                           std::move(found.excluded))
          .to_json();
    }
    catalog::SceneQuery query;
    query.from = parameters_.scenes;
    query.date_pattern = parameters_.date_pattern;
    query.band_names = parameters_.band_names;
    query.period = parameters_.period;
    query.period_margin_ms = parameters_.period_margin_ms();
    query.keep_given_order = parameters_.order == "given";
    auto found = catalog::find_scenes(query);
    report.after_filter = found.report.after_filter;
    report.notes = found.report.notes;
    if (parameters_.clearest_first()) sort_by_cloud_cover(found.scenes);
    return freeze_series(std::move(found.scenes), parameters_, zones, report).to_json();
  }

  std::unique_ptr<workflow::Source> open(const Json& frozen,
                                         const std::vector<workflow::Zone>& zones,
                                         const workflow::Layers& layers) const override {
    if (!parameters_.layer.empty())
      return std::make_unique<LayerSource>(parameters_.layer, selection(), parameters_.bands, zones,
                                           layers);
    return std::make_unique<SeriesSource>(FrozenSeries::from_json(frozen), parameters_, zones);
  }

  std::optional<std::string> layer() const override {
    if (parameters_.layer.empty()) return std::nullopt;
    return parameters_.layer;
  }
  // Whatever the archive: what makes a date, whose observation comes first, which sensors' values.
  Json recipe_facts() const override {
    if (!parameters_.layer.empty()) return {};
    std::set<std::string> sensors;
    for (const auto& source : parameters_.source)
      for (const auto& collection : source.all_collections()) {
        // A description of the user's own is a file, which may be elsewhere.
        auto sensor = std::filesystem::path(collection.sensor).stem().string();
        for (const auto& [band, harmonise] : collection.harmonise)
          sensor += fmt::format(" {}*{}+{}", band, harmonise.scale, harmonise.offset);
        sensors.insert(std::move(sensor));
      }
    return {{"solar_days", parameters_.by_solar_day()},
            {"order", parameters_.order},
            {"sensors", sensors}};
  }
  workflow::LayerSelection selection() const override {
    workflow::LayerSelection selection;
    for (const auto& [axis, label] : parameters_.at) selection.at[axis] = label.text;
    selection.along = parameters_.along;
    return selection;
  }

 private:
  LoadParameters parameters_;
};

void check_tolerate(const Tolerate& tolerate) {
  if (tolerate.scenes.has_value() == tolerate.share.has_value())
    throw Error(ErrorCode::invalid,
                "load.tolerate: needs either `scenes` (a count) or `share` (0..1)");
}

void check_reject(const Reject& reject) {
  for (const double value : reject.any_band_in)
    if (std::isnan(value))
      throw Error(ErrorCode::invalid,
                  "load.reject.any_band_in: NaN is always invalid and need not be named");
}

void check_resampling(const LoadParameters& parameters) {
  if (parameters.bands.empty()) return;
  for (const auto& [band, method] : parameters.resampling.by_band)
    if (std::find(parameters.bands.begin(), parameters.bands.end(), band) == parameters.bands.end())
      throw Error(ErrorCode::invalid,
                  fmt::format("load.resampling: '{}' is none of the bands", band))
          .hint(spelling_hint(band, parameters.bands));
}

void Load::check() {
  const auto& p = parameters_;
  const int places = !p.scenes.empty() + !p.source.empty() + !p.layer.empty();
  if (places == 0)
    throw Error(ErrorCode::invalid, "load: needs `scenes`, `source` or `layer`")
        .hint(
            "scenes: a folder, a glob, a list file, files, or STAC items; source: the name of one "
            "under `sources`; layer: the name of one");
  if (places > 1)
    throw Error(ErrorCode::invalid, "load: `scenes`, `source` and `layer` exclude each other");
  for (const auto& each : p.source) each.check({});
  if (p.clearest_first() && p.by_solar_day())
    throw Error(ErrorCode::invalid,
                "load.order: cloud_cover is of scenes, and dates are made of several")
        .hint("group_by: scene");
  if (!p.source.empty() && (!p.band_names.empty() || !p.date_pattern.empty()))
    throw Error(ErrorCode::invalid, "load: band_names and date_pattern belong into the source");
  const bool only_for_scenes = !p.band_names.empty() || !p.date_pattern.empty() || p.period ||
                               !p.group_by.empty() || !p.mask.empty() || p.reject ||
                               p.order != "time" || p.nodata || p.scale || p.offset ||
                               !p.kind.empty() || p.tolerate || p.overviews || p.resampling.all ||
                               !p.resampling.by_band.empty();
  if (!p.layer.empty() && only_for_scenes)
    throw Error(ErrorCode::invalid,
                "load: with `layer` only `bands`, `at` and `along` can be given")
        .hint("masks, nodata and periods belong where the layer was made");
  if (p.layer.empty() && (!p.at.empty() || !p.along.empty()))
    throw Error(ErrorCode::invalid, "load: `at` and `along` go with `layer`");
  for (const auto& [axis, label] : p.at)
    if (!label.is_scalar() || label.is_null())
      throw label.error(fmt::format("load.at.{}: needs one value of the axis", axis));
  name_classes(parameters_.mask, p.source);
  p.mask.check();
  for (size_t i = 0; i < p.mask.rules.size(); ++i)  // one text for all ways to write it
    if (auto& text = parameters_.mask.rules[i].condition(); !text.empty())
      text = parse_condition(text, p.mask.name_of_condition(i)).canonical();
  check_resampling(p);
  if (p.reject) check_reject(*p.reject);
  const bool looked_up =
      p.reject || std::any_of(p.mask.rules.begin(), p.mask.rules.end(),
                              [](const MaskRule& rule) { return rule.looked_up() != nullptr; });
  if (p.overviews && looked_up)
    throw Error(ErrorCode::invalid,
                "load.overviews: masks by bands and rejected values are about a file's own pixels")
        .hint("leave out `overviews`, or `mask` and `reject`; shapes and expressions do no harm");
  if (p.tolerate) check_tolerate(*p.tolerate);
  if (p.scale && (*p.scale == 0 || !std::isfinite(*p.scale)))
    throw Error(ErrorCode::invalid,
                fmt::format("load.scale: must be a finite number other than 0, got {}", *p.scale));
}

}  // namespace

std::optional<raster::Resampling> ResamplingChoice::of(const std::string& band) const {
  const auto found = by_band.find(band);
  return found == by_band.end() ? all : found->second;
}

void Reject::declare(workflow::Parameters& parameters) {
  parameters
      .add("any_band_in", &any_band_in,
           "Stored values; a pixel is rejected where any loaded band has one of them")
      .required();
}

void Tolerate::declare(workflow::Parameters& parameters) {
  parameters.add("scenes", &scenes, "At most so many unreadable scenes per item").range(0, 1e9);
  parameters.add("share", &share, "At most this share of an item's scenes").range(0, 1);
}

void LoadParameters::declare(workflow::Parameters& parameters) {
  using workflow::Meaning;
  // What the paths name is hashed scene by scene, so they and the period are no identity.
  parameters
      .add("scenes", &scenes,
           "Where the scenes are: folder, glob, list file (.txt, .csv), image files, or STAC items "
           "(.json)")
      .main()
      .meaning(Meaning::path)
      .not_identity();
  parameters
      .add("source", &source,
           "A source of the document by its name, several of them, or what would stand there")
      .not_identity();
  parameters.add("layer", &layer, "Read this layer of another step instead of scenes")
      .meaning(Meaning::layer);
  parameters.add("at", &at, "Which file of the layer, as in {month: 2018-05}: one value per axis")
      .not_identity();
  parameters
      .add("along", &along,
           "The axis of the layer that becomes time: the files of all its values are read")
      .not_identity();
  parameters
      .add("bands", &bands,
           "Bands by name or common name, in this order. Default: all of the first scene")
      .meaning(Meaning::band)
      .not_recipe();  // each band has its own
  parameters.add("band_names", &band_names, "Names for the bands of plain files, in file order")
      .not_recipe();
  parameters
      .add("date_pattern", &date_pattern,
           "Where a plain file's name holds its time: %Y %m %d %H %M %S %j, '*' and '?'. "
           "Default: a run of digits such as 20230102 or 20230102T104441")
      .not_recipe();
  // The order of a series is part of its identity by itself.
  parameters
      .add(
          "order", &order,
          "`time`: by time, collection and id; `given`: as `scenes` names them, which decides "
          "between dates that a reducer ranks alike; `cloud_cover`: from the clearest scene on, by "
          "its eo:cloud_cover")
      .choices({"time", "given", "cloud_cover"})
      .not_identity();
  // What makes one slice is part of the identity of slices.
  parameters
      .add("group_by", &group_by,
           "What makes one slice. Default: solar_day with `source`, scene with `scenes`")
      .choices({"scene", "solar_day"})
      .not_identity();
  parameters.add("period", &period, "Only scenes of this time: 2018, 2018-05..2018-09")
      .not_identity();
  parameters.add("mask", &mask,
                 "What makes a pixel unusable by another band of its scene: one rule, or a list of "
                 "which one is enough");
  parameters.add("reject", &reject, "Values that make a pixel unusable");
  parameters
      .add("resampling", &resampling,
           "How pixels that do not fall on the grid are brought onto it: `nearest`, `bilinear`, "
           "`cubic`, `average` or `mode`, for all bands or as {band: method}. Default: nearest for "
           "classes, else bilinear, or average where the scene's pixels are smaller")
      .identity_if_changed();
  parameters
      .add("overviews", &overviews,
           "Whether `bilinear`, `cubic` and `average` may read a file's overviews where these are "
           "at "
           "least as fine as the grid: less to read, for values that are means of means")
      .identity_if_changed();
  parameters.add("nodata", &nodata,
                 "Stored value of missing pixels, instead of what the files say");
  parameters.add("scale", &scale, "Scale of all bands, instead of what STAC or the files say");
  parameters.add("offset", &offset, "Offset of all bands, instead of what STAC or the files say");
  parameters
      .add(
          "kind", &kind,
          "What values mean: `measure` or `category` (classes). Default: category for files with a "
          "palette, else measure")
      .choices({"measure", "category"});
  parameters.add("tolerate", &tolerate, "How many unreadable scenes an item may do without")
      .not_recipe();
}

bool LoadParameters::by_solar_day() const {
  return group_by.empty() ? !source.empty() : group_by == "solar_day";
}

int64_t LoadParameters::period_margin_ms() const {
  return by_solar_day() ? geo::kDayMs : 0;
}

size_t LoadParameters::tolerated(size_t members) const {
  if (!tolerate) return 0;
  if (tolerate->scenes) return static_cast<size_t>(*tolerate->scenes);
  // A hair above, so that a share of 0.1 of ten is one whatever the rounding.
  return static_cast<size_t>(std::floor(*tolerate->share * static_cast<double>(members) + 1e-9));
}

std::vector<std::string> LoadParameters::bands_read() const {
  if (bands.empty()) return {};
  auto names = bands;
  for (const auto& band : mask.bands()) names.push_back(band);
  return names;
}

std::unique_ptr<workflow::Op> make_load() {
  return std::make_unique<Load>();
}

}  // namespace geoloom::ops

namespace geoloom::workflow {
namespace {

const std::vector<std::string> kMethods{"nearest", "bilinear", "cubic", "average", "mode"};

raster::Resampling method_of(const Value& value, const std::string& name) {
  std::string text;
  Parameter methods;
  methods.allowed = kMethods;
  ParameterType<std::string>::parse(value, methods, name, text);
  return raster::resampling_of(text).value();
}

}  // namespace

void ParameterType<ops::ResamplingChoice>::parse(const Value& value, const Parameter&,
                                                 const std::string& name,
                                                 ops::ResamplingChoice& out) {
  out = {};
  if (value.is_null()) return;
  if (value.kind != Value::Kind::map) {
    out.all = method_of(value, name);
    return;
  }
  for (const auto& [band, method] : value.map)
    out.by_band.emplace(band, method_of(method, name + "." + band));
}

Json ParameterType<ops::ResamplingChoice>::to_json(const ops::ResamplingChoice& value) {
  if (value.all) return raster::name(*value.all);
  if (value.by_band.empty()) return {};
  Json json = Json::object();
  for (const auto& [band, method] : value.by_band) json[band] = raster::name(method);
  return json;
}

OrderedJson ParameterType<ops::ResamplingChoice>::schema(const Parameter&) {
  const OrderedJson method = {{"type", "string"}, {"enum", kMethods}};
  const OrderedJson by_band = {{"type", "object"}, {"additionalProperties", method}};
  return {{"anyOf", OrderedJson::array({method, by_band, OrderedJson{{"type", "null"}}})}};
}

}  // namespace geoloom::workflow
