// SPDX-License-Identifier: Apache-2.0
#include "ops/predict/prediction_bands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "error/error.h"
#include "kernels/elementary.h"
#include "ops/physical.h"

namespace geoloom::ops {
namespace {

using raster::Band;
using raster::PixelType;

constexpr double kNoClass = 255;  // what uint8 bands have where there is nothing

Error refused_outputs(const std::string& message) {
  return {ErrorCode::invalid, "predict.outputs: " + message};
}

Band byte_band(const std::string& name, raster::BandKind kind) {
  Band band;
  band.name = name;
  band.type = PixelType::uint8;
  band.kind = kind;
  band.nodata = kNoClass;
  return band;
}

// The narrowest type that holds all of them.
PixelType type_of_classes(const std::vector<learn::ModelClass>& classes) {
  for (const auto type : {PixelType::uint8, PixelType::uint16, PixelType::int16})
    if (std::all_of(classes.begin(), classes.end(), [&](const auto& one) {
          return raster::holds(type, static_cast<double>(one.value));
        }))
      return type;
  throw refused_outputs("the values of the model's classes fit no pixel type")
      .hint("give others with `classes`, in the order of the model's");
}

std::string name_of(const learn::ModelClass& one) {
  return one.name.empty() ? fmt::format("{}", one.value) : one.name;
}

}  // namespace

std::vector<std::string> prediction_outputs() {
  return {"class", "probability", "probabilities", "margin",        "entropy",
          "mask",  "prob",        "value",         "dissimilarity", "applicable"};
}

void Predictions::resize(size_t width, size_t count) {
  pixels = count;
  results.resize(width * count);
  best.resize(count);
}

learn::PredictorOutput Predictions::output(learn::Task task) {
  return {.exact_results = results.data(),
          .best_class = task == learn::Task::classification ? best.data() : nullptr,
          .stride = pixels};
}

PredictionBands::PredictionBands(const learn::ModelCard& card,
                                 const std::vector<std::string>& outputs) {
  const bool classifies = card.task == learn::Task::classification;
  if (classifies && card.classes.empty())
    throw Error(ErrorCode::invalid, "predict: the model's classes are not known yet")
        .hint("say `classes: [{value: 1, name: crop}, ...]` in the model's order");
  for (const auto& one : card.classes) class_values_.push_back(static_cast<double>(one.value));
  results_ = classifies ? card.classes.size() : std::max<size_t>(card.value_names.size(), 1);
  const std::vector<std::string> usual{classifies ? "class" : "value"};
  for (const auto& output : outputs.empty() ? usual : outputs) {
    const bool of_any = output == "dissimilarity" || output == "applicable";
    if (!of_any && classifies == (output == "value"))
      throw refused_outputs(fmt::format("'{}' is nothing that {} has", output,
                                        classifies ? "a classification" : "a regression"))
          .hint(classifies ? "class, probability, probabilities, margin, entropy, mask, prob"
                           : "value");
    add(output, card);
  }
}

void PredictionBands::add(const std::string& output, const learn::ModelCard& card) {
  if (output == "class") return add_class(card);
  if (output == "probabilities") return add_probabilities(card);
  if (output == "value") return add_values(card);
  if (output == "dissimilarity" || output == "applicable") return add_applicability(output, card);
  if (output == "mask" || output == "prob") {
    if (card.classes.size() != 2)
      throw refused_outputs(
          fmt::format("'{}' is for two classes, the model has {}", output, card.classes.size()))
          .hint("ask for class and probabilities");
    bands_.push_back(byte_band(
        output, output == "mask" ? raster::BandKind::category : raster::BandKind::measure));
    if (output == "prob") bands_.back().unit = "%";
    if (output == "mask")  // 0 and 1, whatever the classes' values
      for (size_t i = 0; i < card.classes.size(); ++i)
        if (!card.classes[i].name.empty())
          bands_.back().class_names[static_cast<int64_t>(i)] = card.classes[i].name;
    outputs_.push_back({output == "mask" ? What::mask : What::percent, 0});
    return;
  }
  bands_.push_back(measured_band(output, "1"));
  outputs_.push_back({output == "margin"    ? What::margin
                      : output == "entropy" ? What::entropy
                                            : What::probability,
                      0});
}

void PredictionBands::add_class(const learn::ModelCard& card) {
  Band band;
  band.name = "class";
  band.type = type_of_classes(card.classes);
  band.kind = raster::BandKind::category;
  const auto most = *std::max_element(class_values_.begin(), class_values_.end());
  if (band.type == PixelType::uint8 && most < kNoClass) band.nodata = kNoClass;
  if (raster::can_have_colours(band.type)) {
    for (const auto& one : card.classes) {
      if (one.colour.empty()) continue;
      const auto place = static_cast<size_t>(one.value);
      if (band.colours.size() <= place) band.colours.resize(place + 1);
      band.colours[place] = raster::colour_of(one.colour);
    }
    // Black is no colour of a table's end.
    while (!band.colours.empty() && band.colours.back() == raster::Colour{})
      band.colours.pop_back();
  }
  for (const auto& one : card.classes)
    if (!one.name.empty()) band.class_names[one.value] = one.name;
  bands_.push_back(std::move(band));
  outputs_.push_back({What::chosen_class, 0});
}

void PredictionBands::add_probabilities(const learn::ModelCard& card) {
  for (size_t i = 0; i < card.classes.size(); ++i) {
    bands_.push_back(measured_band("probability_" + name_of(card.classes[i]), "1"));
    outputs_.push_back({What::of_class, i});
  }
}

void PredictionBands::add_values(const learn::ModelCard& card) {
  const auto label = card.label.empty() ? std::string("value") : card.label;
  for (size_t i = 0; i < results_; ++i) {
    bands_.push_back(
        measured_band(card.value_names.empty() ? label : card.value_names[i], card.label_unit));
    outputs_.push_back({What::value, i});
  }
}

void PredictionBands::add_applicability(const std::string& output, const learn::ModelCard& card) {
  if (card.applicability.is_null())
    throw refused_outputs(
        fmt::format("'{}' needs an area of applicability, and the model has none", output))
        .hint("train it with `applicability: true`; models of other programs have none");
  const bool index = output == "dissimilarity";
  bands_.push_back(index ? measured_band(output, "1")
                         : byte_band(output, raster::BandKind::category));
  outputs_.push_back({index ? What::dissimilarity : What::applicable, 0});
}

bool PredictionBands::of_applicability() const {
  return std::any_of(outputs_.begin(), outputs_.end(), [](const Output& output) {
    return output.what == What::dissimilarity || output.what == What::applicable;
  });
}

double PredictionBands::value(const Output& output, const Predictions& predictions,
                              size_t pixel) const {
  const size_t width = predictions.width();
  const auto best = [&] { return static_cast<size_t>(predictions.best[pixel]); };
  switch (output.what) {
    case What::chosen_class:
      return class_values_[best()];
    case What::probability:
      return predictions.at(best(), pixel);
    case What::mask:
      return static_cast<double>(best());
    case What::percent: {
      // Cut before it is turned round, as the crop mask does.
      const double percent = std::floor(predictions.at(best(), pixel) * 100);
      return best() == 1 ? percent : 100 - percent;
    }
    case What::margin: {
      double second = 0;
      for (size_t i = 0; i < width; ++i)
        if (i != best()) second = std::max(second, predictions.at(i, pixel));
      return predictions.at(best(), pixel) - second;
    }
    case What::entropy: {
      double sum = 0;
      for (size_t i = 0; i < width; ++i) {
        const double share = predictions.at(i, pixel);
        if (share > 0) sum -= share * kernels::natural_logarithm(share);
      }
      return std::max(0.0, sum / kernels::natural_logarithm(static_cast<double>(width)));
    }
    case What::dissimilarity:
      return double{predictions.dissimilarity[pixel]};
    case What::applicable:
      return double{predictions.dissimilarity[pixel]} <= threshold_ ? 1 : 0;
    default:
      return predictions.at(output.plane, pixel);
  }
}

void PredictionBands::write(const Predictions& predictions, std::span<const size_t> pixels,
                            std::span<const double> clip, raster::Block& out, size_t slice) const {
  const auto valid = out.validity(slice, 0);
  for (const size_t pixel : pixels) valid[pixel] = 1;
  for (size_t band = 0; band < bands_.size(); ++band) {
    raster::visit(bands_[band].type, [&]<class T>(T) {
      const auto plane = out.plane<T>(band, slice);
      for (size_t i = 0; i < pixels.size(); ++i) {
        double number = value(outputs_[band], predictions, i);
        if (clip.size() == 2 && outputs_[band].what == What::value)
          number = std::clamp(number, clip[0], clip[1]);
        plane[pixels[i]] = static_cast<T>(number);
      }
    });
  }
}

}  // namespace geoloom::ops
