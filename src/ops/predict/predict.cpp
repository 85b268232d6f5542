// SPDX-License-Identifier: Apache-2.0
// A trained model over the pixels of a cube of features.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <optional>

#include "error/error.h"
#include "gdal/dataset.h"
#include "learn/model_package.h"
#include "ops/physical.h"
#include "ops/predict/prediction_bands.h"
#include "ops/result_choice.h"
#include "store/checksum.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using learn::ModelCard;
using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "predict",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Classes, probabilities or quantities from a trained model",
    .documentation =
        R"(Each pixel's bands are the features of a model that was trained before: by `train` in an earlier
step (`layer`), or elsewhere (`model`, a file): a model package of this program, LightGBM's text, XGBoost's JSON or
UBJSON, or trees in ONNX, as skl2onnx makes them of scikit-learn's forests. Files are read as they are, with the
comparisons and the rules for missing values of the library that wrote them: classes are the library's, probabilities
its own within 1e-6. The file's content, not its path, is part of the identity of results.

**Features** are found by their names, in whatever order the bands are; more bands than the model wants do no harm. A
model with names that are not there is an error that shows both lists. Values are physical ones, stored * scale + offset.
A file without names takes `features`, a list of bands in the model's order, or else all bands as they are. Several dates
are predicted one by one; `flatten` makes bands of dates.

**Outputs** are bands, in the order asked for:

| output | what |
|---|---|
| `class` | the value of the most probable class (the first of equals), with the model's colours |
| `probability` | of that class, 0 to 1 |
| `probabilities` | one band per class, `probability_NAME` |
| `margin` | probability of the best class less that of the second |
| `entropy` | of the probabilities, 0 (certain) to 1 (all alike) |
| `mask` | of two classes: 1 where the second is the more probable |
| `prob` | of two classes: percent for the second, as the Africa crop mask has it: the winner's, cut to a whole number |
| `value` | what a regression predicts; one band per output of the model (quantiles) |

Without `outputs`: `class`, or `value`. Bands of a file have one type, so classes and probabilities are saved as layers of
their own, `save: {layer: map, bands: [class]}`. `clip: [0, 1]` limits the values of a regression.

**Invalid pixels.** A pixel that lacks one of the features is invalid in all outputs; it is never taken as 0. With
`missing: model` the model is given what is there and treats the rest as its library does; pixels without any feature
stay invalid. `where` names a band: only pixels where it is valid and not 0 are predicted.

`classes` gives values, names and colours for models that have none, in the order of the model's classes.)",
    .inputs = {{"features", "one band per feature"}},
    .outputs = {{"prediction", "the bands asked for"}}};

constexpr size_t kMostModelBytes = size_t{4} << 30;
// Of a model of an earlier step, whose size is not known when the run is planned.
constexpr size_t kUnknownModelBytes = size_t{256} << 20;
// What a thread's prediction holds beside planes.
constexpr size_t kScratchBytes = size_t{32} << 20;

Error invalid(const std::string& message) {
  return {ErrorCode::invalid, "predict" + message};
}

// A model that is read when it is needed, once.
class LazyModel : public workflow::Prepared {
 public:
  using Read = std::function<std::string()>;
  LazyModel(std::string path, Read read) : path_(std::move(path)), read_(std::move(read)) {}

  const learn::Model& model() const {
    const std::lock_guard lock(mutex_);
    if (!model_) model_.emplace(learn::read_model_bytes(read_(), path_), path_);
    return *model_;
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const Read read_;
  mutable std::mutex mutex_;
  mutable std::optional<learn::Model> model_;
};

struct ClassEntry {
  int64_t value = 0;
  std::string name;
  std::optional<raster::Colour> colour;
  void declare(workflow::Parameters& parameters) {
    parameters.add("value", &value, "What is written for the class").required();
    parameters.add("name", &name, "Its name");
    parameters.add("colour", &colour, "Its colour");
  }
};

// Which of a block's pixels are predicted: all, or these.
struct Selection {
  bool all = true;
  std::vector<size_t> pixels;
};

class Predict : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;
  std::vector<workflow::FileInput> files() const override {
    if (!model_) return {};
    return {{.path = *model_, .limit_bytes = kMostModelBytes, .by_reference = true}};
  }
  std::vector<std::string> layers_read() const override {
    if (!layer_) return {};
    return {*layer_};
  }
  std::shared_ptr<const workflow::Prepared> prepare(
      std::span<const workflow::FileContent> files) const override;
  std::shared_ptr<const workflow::Prepared> prepare_layers(
      std::shared_ptr<const workflow::Prepared> prepared,
      std::span<const workflow::LayerFile> files) const override;
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override {
    return plan_at({}, inputs);
  }
  workflow::BlockPlan plan_at(const workflow::PlanSite& site,
                              std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  std::string place() const { return model_ ? *model_ : layer_.value_or(""); }
  ModelCard described(ModelCard card) const;
  std::vector<size_t> feature_bands(const ModelCard& card, const CubeSchema& input) const;
  Selection selected(const CubeSchema& schema, const Block& in, size_t slice,
                     const std::vector<std::vector<float>>& planes) const;

  std::optional<std::string> model_, layer_, where_;
  std::vector<std::string> outputs_, features_;
  std::vector<ClassEntry> classes_;
  std::vector<double> clip_;
  std::string missing_ = "nodata";
};

void Predict::declare(workflow::Parameters& parameters) {
  parameters.add("model", &model_, "File of a model")
      .main()
      .meaning(workflow::Meaning::path)
      .not_identity();  // its content is
  parameters.add("layer", &layer_, "Model of an earlier step").meaning(workflow::Meaning::layer);
  parameters.add("outputs", &outputs_, "What to predict. Default: class, or value")
      .choices(prediction_outputs());
  parameters.add("features", &features_, "Bands in the model's order, for models without names")
      .meaning(workflow::Meaning::band);
  parameters.add("classes", &classes_, "Values, names and colours of the model's classes");
  parameters.add("clip", &clip_, "Lowest and highest value of a regression");
  parameters.add("missing", &missing_, "What pixels that lack features become")
      .choices({"nodata", "model"});
  parameters.add("where", &where_, "Band that is not 0 where pixels are to be predicted")
      .meaning(workflow::Meaning::band);
}

void Predict::check() {
  if (model_.has_value() == layer_.has_value())
    throw invalid(model_ ? ": `model` and `layer` exclude each other"
                         : ": needs `model` or `layer`");
  if (!clip_.empty() && (clip_.size() != 2 || !(clip_[0] <= clip_[1])))
    throw invalid(".clip: must be a lowest and a highest value");
  if (!outputs_.empty()) check_choice("predict.outputs", outputs_);
}

std::shared_ptr<const workflow::Prepared> Predict::prepare(
    std::span<const workflow::FileContent> files) const {
  if (!model_) return nullptr;
  return std::make_shared<LazyModel>(files[0].path, [file = files[0]] {
    return file.content.empty() ? workflow::content_by_reference(file, kMostModelBytes)
                                : file.content;
  });
}

std::shared_ptr<const workflow::Prepared> Predict::prepare_layers(
    std::shared_ptr<const workflow::Prepared> prepared,
    std::span<const workflow::LayerFile> files) const {
  if (!layer_) return prepared;
  return std::make_shared<LazyModel>(files[0].path, [file = files[0]] {
    auto bytes = gdal::read_file(file.path, kMostModelBytes);
    if (!file.pixel_hash.empty() && store::sha256_hex(bytes) != file.pixel_hash)
      throw Error(ErrorCode::corrupt, "the model is not the one that its receipt tells of")
          .at({.file = file.path});
    return bytes;
  });
}

// What the document says of classes and features comes before what the card says.
ModelCard Predict::described(ModelCard card) const {
  if (!classes_.empty()) {
    if (card.task != learn::Task::classification)
      throw invalid(".classes: the model predicts quantities");
    if (!card.classes.empty() && card.classes.size() != classes_.size())
      throw invalid(fmt::format(".classes: there are {}, the model has {}", classes_.size(),
                                card.classes.size()));
    card.classes.clear();
    for (const auto& one : classes_)
      card.classes.push_back({one.value, one.name, one.colour ? raster::text(*one.colour) : ""});
  }
  if (features_.empty()) return card;
  if (card.features.empty()) card.features.resize(features_.size());
  if (features_.size() != card.features.size())
    throw invalid(fmt::format(".features: there are {}, the model has {}", features_.size(),
                              card.features.size()));
  for (size_t i = 0; i < features_.size(); ++i) card.features[i].name = features_[i];
  return card;
}

// The band of each feature. Without names, all bands but that of `where`.
std::vector<size_t> Predict::feature_bands(const ModelCard& card, const CubeSchema& input) const {
  std::vector<std::string> names;
  for (const auto& band : input.bands)
    if (!where_ || band.name != *where_) names.push_back(band.name);
  std::vector<size_t> bands;
  for (const size_t found : learn::find_features(card, names, place()))
    bands.push_back(static_cast<size_t>(input.band_index(names[found])));
  return bands;
}

workflow::BlockPlan Predict::plan_at(const workflow::PlanSite& site,
                                     std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  if (where_) (void)input.band_index(*where_);
  workflow::BlockPlan plan;
  plan.resident_bytes = kUnknownModelBytes + kScratchBytes;
  ModelCard card;
  if (const auto* lazy = dynamic_cast<const LazyModel*>(site.prepared)) {
    card = described(lazy->model().card());
    plan.resident_bytes = lazy->model().memory_bytes() + kScratchBytes;
  } else if (layer_ && site.layers != nullptr) {
    const auto& info = site.layers->info(*layer_);
    workflow::require_kind(info, workflow::LayerKind::model, "predict.layer");
    if (!info.model)
      throw invalid(fmt::format(".layer: nothing is known of the model '{}' yet", *layer_));
    card = described(*info.model);
  } else {
    throw invalid(": the model cannot be looked at here");
  }
  const size_t features = feature_bands(card, input).size();
  const PredictionBands bands(card, outputs_);
  CubeSchema output;
  output.bands = bands.bands();
  output.slices = input.slices;
  plan.outputs = {std::move(output)};
  plan.time_need = workflow::TimeNeed::pointwise;
  // Planes of features, twice where pixels are left out, probabilities and sums in double.
  plan.scratch_bytes_per_pixel =
      2 * sizeof(float) * features + sizeof(double) * (1 + bands.results()) + sizeof(size_t);
  return plan;
}

Selection Predict::selected(const CubeSchema& schema, const Block& in, size_t slice,
                            const std::vector<std::vector<float>>& planes) const {
  const size_t pixels = in.pixels();
  std::vector<uint8_t> wanted(pixels, 1);
  if (where_) {
    const auto band = static_cast<size_t>(schema.band_index(*where_));
    std::vector<float> values(pixels);
    read_physical(in, schema.bands[band], band, slice, values);
    for (size_t p = 0; p < pixels; ++p) wanted[p] = std::isnan(values[p]) || values[p] == 0 ? 0 : 1;
  }
  std::vector<uint32_t> missing(pixels, 0);
  for (const auto& plane : planes)
    for (size_t p = 0; p < pixels; ++p) missing[p] += std::isnan(plane[p]) ? 1 : 0;
  const size_t most_missing = missing_ == "model" ? planes.size() - 1 : 0;
  Selection selection;
  for (size_t p = 0; p < pixels; ++p)
    if (wanted[p] != 0 && missing[p] <= most_missing) selection.pixels.push_back(p);
  selection.all = selection.pixels.size() == pixels;
  return selection;
}

void Predict::run(const workflow::BlockCall& call) const {
  const auto& model = dynamic_cast<const LazyModel&>(*call.prepared).model();
  const CubeSchema& schema = *call.input_schemas[0];
  const Block& in = *call.inputs[0];
  const auto card = described(model.card());
  const auto bands = feature_bands(card, schema);
  const PredictionBands outputs(card, outputs_);
  std::vector<std::vector<float>> planes(bands.size(), std::vector<float>(in.pixels()));
  learn::PredictorScratch scratch;
  Predictions predictions;
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    for (size_t f = 0; f < bands.size(); ++f)
      read_physical(in, schema.bands[bands[f]], bands[f], slice, planes[f]);
    const auto selection = selected(schema, in, slice, planes);
    const size_t count = selection.pixels.size();
    if (count == 0) continue;
    std::vector<const float*> pointers;
    for (auto& plane : planes) {
      // In rising order, so a value is moved before its place is written over.
      if (!selection.all)
        for (size_t i = 0; i < count; ++i) plane[i] = plane[selection.pixels[i]];
      pointers.push_back(plane.data());
    }
    predictions.resize(model.result_width(), count);
    model.predict(pointers, count, predictions.output(card.task), scratch);
    outputs.write(predictions, selection.pixels, clip_, *call.outputs[0], slice);
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_predict() {
  return std::make_unique<Predict>();
}

}  // namespace geoloom::ops
