// SPDX-License-Identifier: Apache-2.0
// A trained model over the pixels of a cube of features.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>

#include "error/error.h"
#include "gdal/dataset.h"
#include "geo/calendar.h"
#include "kernels/tree_walk.h"
#include "learn/applicability.h"
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

**How they were made** is compared too, where the model knows it: one trained here from `sample` carries the recipe of each feature,
the ops and parameters that made it, without scenes, dates and places. A feature of the same name and another recipe (another composite,
mask, scale or formula) is an error. `recipe: any` accepts that; then what the model says of features it has never seen is your decision.

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
| `dissimilarity` | how unlike the training samples a pixel is (Meyer and Pebesma 2021): 0 like one of them, 1 as far from the nearest as they are from each other on average |
| `applicable` | 1 where the dissimilarity is at most the threshold of the package, so that the error of its spatial test can be expected, else 0 |

Without `outputs`: `class`, or `value`. Bands of a file have one type, so classes and probabilities are saved as layers of
their own, `save: {layer: map, bands: [class]}`. `clip: [0, 1]` limits the values of a regression.

**Invalid pixels.** A pixel that lacks one of the features is invalid in all outputs; it is never taken as 0. With
`missing: model` the model is given what is there and treats the rest as its library does; pixels without any feature
stay invalid. `where` names a band: only pixels where it is valid and not 0 are predicted.

**Area of applicability.** `dissimilarity` and `applicable` are for packages trained with `applicability: true`. Comparing a pixel with thousands of samples
takes longer than predicting it, so cells of 8 by 8 pixels of the grid are judged as one, by the mean of their pixels' features (without those that lack
some), and all pixels of a cell get its number; `applicability_cell: 1` judges each pixel by itself, which sees smaller spots and takes 64 times as
long.

`classes` gives values, names and colours for models that have none, in the order of the model's classes.)",
    .inputs = {{"features", "one band per feature"}},
    .outputs = {{"prediction", "the bands asked for"}}};

constexpr size_t kMostModelBytes = size_t{4} << 30;
// Of a model that an earlier step has not trained yet.
constexpr size_t kUnknownModelBytes = size_t{256} << 20;
// Of a model in memory, by the size of its file: as it is read, as trees, and packed.
constexpr size_t kBytesPerFileByte = 3;
// What a thread's prediction holds beside planes.
constexpr size_t kScratchBytes = size_t{32} << 20;

Error refused(const std::string& message) {
  return {ErrorCode::invalid, "predict" + message};
}

// What a model and the bands of an input are together.
struct Fitted {
  std::vector<raster::Band> input;  // the bands that it was made for
  std::vector<size_t> features;     // the band of each of the model's
  int where = -1;
  learn::Task task = learn::Task::classification;
  PredictionBands outputs;
  std::optional<learn::Applicability> area;  // where an output is of it
  std::vector<learn::ModelFeature> scales;   // of the model's features
};

// What a thread predicts with.
struct Workspace {
  std::vector<std::vector<float>> planes;  // of features
  std::vector<float> where;
  std::vector<uint32_t> missing;
  std::vector<size_t> pixels;   // of the result that are predicted, rising
  std::vector<size_t> sources;  // the same pixels in the input
  std::vector<const float*> pointers;
  learn::PredictorScratch scratch;
  Predictions predictions;
};

// A model that is read when it is needed, once, and what strips of pixels need and is the same for
// all of them. The op that made it outlives it.
class PreparedModel : public workflow::Prepared {
 public:
  using Read = std::function<std::string()>;
  using Fit = std::function<Fitted(const learn::Model& model, const CubeSchema& input)>;
  PreparedModel(std::string path, Read read, Fit fit)
      : path_(std::move(path)), read_(std::move(read)), fit_(std::move(fit)) {}

  const learn::Model& model() const {
    const std::lock_guard lock(mutex_);
    return opened();
  }
  // Inputs of all items have the same bands, with few exceptions.
  const Fitted& fitted(const CubeSchema& input) const {
    const std::lock_guard lock(mutex_);
    for (const auto& each : fitted_)
      if (each->input == input.bands) return *each;
    fitted_.push_back(std::make_unique<const Fitted>(fit_(opened(), input)));
    return *fitted_.back();
  }
  // One that no other thread has: as many are kept as threads were at work together.
  std::unique_ptr<Workspace> take_workspace() const {
    const std::lock_guard lock(workspaces_mutex_);
    if (workspaces_.empty()) return std::make_unique<Workspace>();
    auto taken = std::move(workspaces_.back());
    workspaces_.pop_back();
    return taken;
  }
  void give_back(std::unique_ptr<Workspace> workspace) const {
    const std::lock_guard lock(workspaces_mutex_);
    workspaces_.push_back(std::move(workspace));
  }

 private:
  const learn::Model& opened() const {
    if (!model_) model_.emplace(learn::Model::of_bytes(read_(), path_));
    return *model_;
  }

  const std::string path_;
  const Read read_;
  const Fit fit_;
  mutable std::mutex mutex_;
  mutable std::optional<learn::Model> model_;
  mutable std::vector<std::unique_ptr<const Fitted>> fitted_;
  mutable std::mutex workspaces_mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> workspaces_;
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

// The square cells of the grid, counted from its corner, that a window touches.
class Cells {
 public:
  Cells(const geo::Window& window, int64_t side)
      : side_(side),
        left_(geo::floor_div(window.x, side)),
        top_(geo::floor_div(window.y, side)),
        across_(geo::floor_div(window.right() - 1, side) - left_ + 1),
        down_(geo::floor_div(window.bottom() - 1, side) - top_ + 1) {}

  size_t count() const { return static_cast<size_t>(across_ * down_); }
  size_t at(int64_t x, int64_t y) const {
    return static_cast<size_t>((geo::floor_div(y, side_) - top_) * across_ +
                               geo::floor_div(x, side_) - left_);
  }
  geo::Window window(size_t cell) const {
    const auto at = static_cast<int64_t>(cell);
    return {(left_ + at % across_) * side_, (top_ + at / across_) * side_, side_, side_};
  }

 private:
  int64_t side_, left_, top_, across_, down_;
};

// The mean over those pixels of a part that lack no feature, added up row by row; there is one.
double mean_in(std::span<const float> plane, std::span<const uint32_t> missing,
               const geo::Window& window, const geo::Window& part) {
  double sum = 0, count = 0;
  for (int64_t y = std::max(part.y, window.y); y < std::min(part.bottom(), window.bottom()); ++y)
    for (int64_t x = std::max(part.x, window.x); x < std::min(part.right(), window.right()); ++x) {
      const auto p = static_cast<size_t>((y - window.y) * window.width + x - window.x);
      if (missing[p] > 0) continue;
      sum += double{plane[p]};
      count += 1;
    }
  return sum / count;
}

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
  std::vector<size_t> feature_bands(const ModelCard& card, const CubeSchema& input,
                                    const std::vector<std::string>& recipes = {}) const;
  Fitted fitted(const learn::Model& model, const CubeSchema& input) const;
  std::shared_ptr<const PreparedModel> prepared_model(const std::string& path,
                                                      PreparedModel::Read read) const;
  void select(const Block& in, const Block& out, size_t slice, const Fitted& fitted,
              Workspace& work) const;
  void find_dissimilarity(const Fitted& fitted, const Block& in, const Block& out,
                          Workspace& work) const;
  void predict_slice(const PreparedModel& prepared, const Fitted& fitted, const Block& in,
                     size_t slice, Block& out, Workspace& work) const;

  std::optional<std::string> model_, layer_, where_;
  std::vector<std::string> outputs_, features_;
  std::vector<ClassEntry> classes_;
  std::vector<double> clip_;
  std::string missing_ = "nodata", recipe_ = "same";
  int64_t cell_ = 8;
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
  parameters
      .add("applicability_cell", &cell_,
           "Side of the cells whose dissimilarity is computed, for all their pixels")
      .unit("px")
      .range(1, 64)
      .identity_if_changed();
  // Decides whether something is made, not what.
  parameters
      .add("recipe", &recipe_,
           "Features made as those that the model was trained on, or any of their names")
      .choices({"same", "any"})
      .not_identity();
}

void Predict::check() {
  if (model_.has_value() == layer_.has_value())
    throw refused(model_ ? ": `model` and `layer` exclude each other"
                         : ": needs `model` or `layer`");
  if (!clip_.empty() && (clip_.size() != 2 || !(clip_[0] <= clip_[1])))
    throw refused(".clip: must be a lowest and a highest value");
  if (!outputs_.empty()) check_choice("predict.outputs", outputs_);
}

std::shared_ptr<const PreparedModel> Predict::prepared_model(const std::string& path,
                                                             PreparedModel::Read read) const {
  return std::make_shared<const PreparedModel>(
      path, std::move(read),
      [this](const learn::Model& model, const CubeSchema& input) { return fitted(model, input); });
}

std::shared_ptr<const workflow::Prepared> Predict::prepare(
    std::span<const workflow::FileContent> files) const {
  if (!model_) return nullptr;
  return prepared_model(files[0].path, [file = files[0]] {
    return file.content.empty() ? workflow::content_by_reference(file, kMostModelBytes)
                                : file.content;
  });
}

std::shared_ptr<const workflow::Prepared> Predict::prepare_layers(
    std::shared_ptr<const workflow::Prepared> prepared,
    std::span<const workflow::LayerFile> files) const {
  if (!layer_) return prepared;
  return prepared_model(files[0].path, [file = files[0]] {
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
      throw refused(".classes: the model predicts quantities");
    if (!card.classes.empty() && card.classes.size() != classes_.size())
      throw refused(fmt::format(".classes: there are {}, the model has {}", classes_.size(),
                                card.classes.size()));
    card.classes.clear();
    for (const auto& one : classes_)
      card.classes.push_back({one.value, one.name, one.colour ? raster::text(*one.colour) : ""});
  }
  if (features_.empty()) return card;
  if (card.features.empty()) card.features.resize(features_.size());
  if (features_.size() != card.features.size())
    throw refused(fmt::format(".features: there are {}, the model has {}", features_.size(),
                              card.features.size()));
  for (size_t i = 0; i < features_.size(); ++i) card.features[i].name = features_[i];
  return card;
}

// The band of each feature. Without names, all bands but that of `where`.
std::vector<size_t> Predict::feature_bands(const ModelCard& card, const CubeSchema& input,
                                           const std::vector<std::string>& recipes) const {
  std::vector<std::string> names;
  for (const auto& band : input.bands)
    if (!where_ || band.name != *where_) names.push_back(band.name);
  std::vector<size_t> bands;
  for (const size_t found : learn::find_features(card, names, place()))
    bands.push_back(static_cast<size_t>(input.band_index(names[found])));
  if (recipe_ == "same") learn::require_recipes(card, bands, recipes, place());
  return bands;
}

workflow::BlockPlan Predict::plan_at(const workflow::PlanSite& site,
                                     std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  if (where_) (void)input.band_index(*where_);
  workflow::BlockPlan plan;
  plan.resident_bytes = kUnknownModelBytes + kScratchBytes;
  ModelCard card;
  if (!site.files.empty() && site.files[0].bytes > 0)
    plan.resident_bytes =
        kBytesPerFileByte * static_cast<size_t>(site.files[0].bytes) + kScratchBytes;
  if (const auto* prepared = dynamic_cast<const PreparedModel*>(site.prepared)) {
    card = described(prepared->model().card());
    plan.resident_bytes = prepared->model().memory_bytes() + kScratchBytes;
  } else if (layer_ && site.layers != nullptr) {
    const auto& info = site.layers->info(*layer_);
    workflow::require_kind(info, workflow::LayerKind::model, "predict.layer");
    if (!info.model)
      throw refused(fmt::format(".layer: nothing is known of the model '{}' yet", *layer_));
    card = described(*info.model);
  } else {
    throw refused(": the model cannot be looked at here");
  }
  const auto recipes = site.recipes.empty() ? std::vector<std::string>() : *site.recipes[0];
  const size_t features = feature_bands(card, input, recipes).size();
  const PredictionBands bands(card, outputs_);
  CubeSchema output;
  output.bands = bands.bands();
  output.slices = input.slices;
  plan.outputs = {std::move(output)};
  plan.time_need = workflow::TimeNeed::pointwise;
  // Each cell that a block touches lies in its input as a whole.
  if (bands.of_applicability()) {
    if (missing_ == "model")
      throw refused(".missing: the dissimilarity of a pixel that lacks features is not known")
          .hint("leave out `missing: model`, or the outputs dissimilarity and applicable");
    plan.halo_pixels = static_cast<int>(cell_ - 1);
  }
  // Planes of features, twice where pixels are left out, probabilities and sums in double.
  plan.scratch_bytes_per_pixel =
      2 * sizeof(float) * features + sizeof(double) * (1 + bands.results()) + sizeof(size_t);
  plan.least_strip_pixels = kernels::kPixelsPerPass;
  return plan;
}

Fitted Predict::fitted(const learn::Model& model, const CubeSchema& input) const {
  const auto card = described(model.card());
  Fitted fitted{.input = input.bands,
                .features = feature_bands(card, input),
                .where = where_ ? input.band_index(*where_) : -1,
                .task = card.task,
                .outputs = PredictionBands(card, outputs_),
                .area = {},
                .scales = card.features};
  if (!fitted.outputs.of_applicability()) return fitted;
  const auto file = model.extra().find(learn::kApplicabilityFileName);
  if (file == model.extra().end())
    throw Error(ErrorCode::corrupt, "the package lacks the area of applicability of its card")
        .at({.file = place()});
  fitted.area = learn::read_applicability_file(file->second, place());
  if (fitted.area->columns() != card.features.size())
    throw Error(ErrorCode::corrupt, "the area of applicability is of other features")
        .at({.file = place()});
  fitted.outputs.set_threshold(fitted.area->threshold);
  return fitted;
}

// Which pixels are predicted.
void Predict::select(const Block& in, const Block& out, size_t slice, const Fitted& fitted,
                     Workspace& work) const {
  work.pixels.clear();
  work.sources.clear();
  work.missing.assign(in.pixels(), 0);
  for (const auto& plane : work.planes)
    for (size_t p = 0; p < in.pixels(); ++p) work.missing[p] += std::isnan(plane[p]) ? 1 : 0;
  const size_t most_missing = missing_ == "model" ? work.planes.size() - 1 : 0;
  if (fitted.where >= 0) {
    const auto band = static_cast<size_t>(fitted.where);
    work.where.resize(in.pixels());
    read_physical(in, fitted.input[band], band, slice, work.where);
  }
  const auto& from = in.window();
  const auto& to = out.window();
  for (int64_t y = 0; y < to.height; ++y)
    for (int64_t x = 0; x < to.width; ++x) {
      const auto p = static_cast<size_t>((to.y - from.y + y) * from.width + to.x - from.x + x);
      const bool wanted = fitted.where < 0 || (!std::isnan(work.where[p]) && work.where[p] != 0);
      if (!wanted || work.missing[p] > most_missing) continue;
      work.pixels.push_back(static_cast<size_t>(y * to.width + x));
      work.sources.push_back(p);
    }
}

// Each cell lies in the input as a whole, so blocks do not matter.
void Predict::find_dissimilarity(const Fitted& fitted, const Block& in, const Block& out,
                                 Workspace& work) const {
  const auto& from = in.window();
  const Cells cells(out.window(), cell_);
  const auto cell_of = [&](size_t source) {
    const auto at = static_cast<int64_t>(source);
    return cells.at(from.x + at % from.width, from.y + at / from.width);
  };
  std::vector<uint8_t> wanted(cells.count(), 0);
  for (const size_t source : work.sources) wanted[cell_of(source)] = 1;
  std::vector<std::vector<float>> means;
  std::vector<const float*> pointers;
  for (size_t f = 0; f < work.planes.size(); ++f) {
    const auto& feature = fitted.scales[f];
    auto& plane = means.emplace_back(cells.count(), kNothing);  // nobody asks
    for (size_t cell = 0; cell < cells.count(); ++cell)
      if (wanted[cell] != 0)
        plane[cell] = static_cast<float>(
            mean_in(work.planes[f], work.missing, from, cells.window(cell)) * feature.scale +
            feature.offset);
  }
  for (const auto& plane : means) pointers.push_back(plane.data());
  const auto of_cells = fitted.area->dissimilarity(pointers, cells.count());
  work.predictions.dissimilarity.clear();
  for (const size_t source : work.sources)
    work.predictions.dissimilarity.push_back(of_cells[cell_of(source)]);
}

void Predict::predict_slice(const PreparedModel& prepared, const Fitted& fitted, const Block& in,
                            size_t slice, Block& out, Workspace& work) const {
  work.planes.resize(fitted.features.size());
  for (size_t f = 0; f < fitted.features.size(); ++f) {
    const auto band = fitted.features[f];
    work.planes[f].resize(in.pixels());
    read_physical(in, fitted.input[band], band, slice, work.planes[f]);
  }
  select(in, out, slice, fitted, work);
  const size_t count = work.pixels.size();
  if (count == 0) return;
  if (fitted.area) find_dissimilarity(fitted, in, out, work);
  work.pointers.clear();
  for (auto& plane : work.planes) {
    // In rising order, so a value is moved before its place is written over.
    if (count < in.pixels())
      for (size_t i = 0; i < count; ++i) plane[i] = plane[work.sources[i]];
    work.pointers.push_back(plane.data());
  }
  work.predictions.resize(prepared.model().result_width(), count);
  prepared.model().predict(work.pointers, count, work.predictions.output(fitted.task),
                           work.scratch);
  fitted.outputs.write(work.predictions, work.pixels, clip_, out, slice);
}

void Predict::run(const workflow::BlockCall& call) const {
  const auto& prepared = dynamic_cast<const PreparedModel&>(*call.prepared);
  const auto& fitted = prepared.fitted(*call.input_schemas[0]);
  const Block& in = *call.inputs[0];
  auto work = prepared.take_workspace();
  for (size_t slice = 0; slice < in.slices(); ++slice)
    predict_slice(prepared, fitted, in, slice, *call.outputs[0], *work);
  prepared.give_back(std::move(work));
}

}  // namespace

std::unique_ptr<workflow::Op> make_predict() {
  return std::make_unique<Predict>();
}

}  // namespace geoloom::ops
