// SPDX-License-Identifier: Apache-2.0
// A small picture of a layer, for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "error/error.h"
#include "error/spelling.h"
#include "gdal/dataset.h"
#include "gdal/geotiff_writer.h"
#include "kernels/elementary.h"
#include "ops/export/profile.h"
#include "ops/feature/index_bands.h"
#include "ops/feature/index_catalogue.h"
#include "ops/layer_file.h"
#include "render/colour_ramp.h"
#include "store/checksum.h"
#include "workflow/op.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_index();

namespace {

using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "quicklook",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "A PNG of a layer, stretched to be looked at",
    .documentation =
        R"(Draws one band in grey or three in colour. By default red, green and blue where the layer has bands of
these names, else its first three, else its first. Of several slices the first is drawn.

**Styles.** `style: true_colour` draws red, green and blue, `false_colour` near infrared, red and green, by their
common names or those of the sensor. `style: {index: NDVI}` draws an index of the [catalogue](index.md), computed
from the picture's pixels, in the colours `vegetation`.

**Colours** of one band: `colours` is `grey`, `viridis`, `vegetation`, or a list from the lowest value to the
highest: `["#0000ff", "#ffffff", "#ff0000"]`.

**Size.** The longer side has at most `size` pixels: the layer is shrunk by a whole factor, each pixel
the mean of the valid pixels it stands for (of categories and counts: the one in its middle). Maps
smaller than half of `size` are enlarged by a whole factor, so that single pixels can be seen.

**Stretch.** `min` becomes black and `max` white, `gamma` above 1 brightens what is between. By
default they are percentiles of the picture's valid pixels, band by band: the 2nd and the 98th, or those that
`stretch: [1, 99]` says. They are values as stored, of an index the index. Invalid pixels are transparent.

**Classes** of one band that has colours are drawn in them, unless `min`, `max` or `colours` asks for others.

A layer made by an earlier op of the same step can be drawn. The result is named by `as:`, by default
`<layer>_quicklook`; it is a picture, not data.)",
    .inputs = {},
    .outputs = {{"picture", "PNG with transparent background"}}};

// Parts of a file that are read at once: whole internal blocks of the usual sizes, few megabytes.
constexpr int64_t kPartWidth = 2048, kPartHeight = 512;

// How the selected window becomes a picture: shrunk by one factor or enlarged by the other.
struct Scale {
  int64_t shrink = 1, enlarge = 1;
  int64_t columns = 0, rows = 0;  // before enlarging

  Scale(int64_t width, int64_t height, int64_t size) {
    const int64_t side = std::max<int64_t>(1, std::max(width, height));
    shrink = (side + size - 1) / size;
    if (side * 2 <= size) enlarge = size / side;
    columns = (width + shrink - 1) / shrink;
    rows = (height + shrink - 1) / shrink;
  }
};

// Sums and counts per pixel of the picture.
struct Sampled {
  std::vector<double> sum;
  std::vector<uint32_t> count;

  bool valid(size_t i) const { return count[i] > 0; }
  double mean(size_t i) const { return sum[i] / count[i]; }
};

// Reads the layer once, part by part, into the pixels of the picture.
class Sampling {
 public:
  Sampling(const workflow::TaskContext& context, const CubeSchema& schema,
           std::vector<size_t> bands, const Scale& scale)
      : context_(context), scale_(scale), bands_(std::move(bands)), sampled_(bands_.size()) {
    for (const size_t band : bands_) chosen_.bands.push_back(schema.bands[band]);
    chosen_.slices.resize(1);
    chosen_.validity_per_band = bands_.size() > 1;
    for (auto& band : sampled_) {
      band.sum.resize(static_cast<size_t>(scale.columns * scale.rows));
      band.count.resize(band.sum.size());
    }
  }

  void add(const workflow::LayerFile& file) {
    const auto window = file.item.window.intersect(context_.selected);
    for (int64_t y = window.y; y < window.bottom(); y += kPartHeight)
      for (int64_t x = window.x; x < window.right(); x += kPartWidth)
        add_part(file, geo::Window{x, y, kPartWidth, kPartHeight}.intersect(window));
  }

  const std::vector<Sampled>& sampled() const { return sampled_; }

 private:
  void add_part(const workflow::LayerFile& file, const geo::Window& window) {
    if (context_.cancelled && context_.cancelled()) throw Error(ErrorCode::cancelled, "stopped");
    raster::Block block(chosen_, window, 0, 1);
    read_layer_file(file, context_.grid, 0, bands_, block, 0, *context_.pool);
    for (size_t i = 0; i < bands_.size(); ++i) add_band(block, i);
  }

  void add_band(const raster::Block& block, size_t band) {
    const bool average = chosen_.bands[band].kind == raster::BandKind::measure;
    raster::visit(block.type(band), [&]<class T>(T) {
      const auto values = block.plane<T>(band, 0);
      const auto valid = block.validity(0, band);
      for (size_t i = 0; i < block.pixels(); ++i) {
        if (valid[i] == 0 || !std::isfinite(static_cast<double>(values[i]))) continue;
        const auto at = static_cast<int64_t>(i);
        add_pixel(sampled_[band],
                  block.window().x + at % block.window().width - context_.selected.x,
                  block.window().y + at / block.window().width - context_.selected.y, average,
                  static_cast<double>(values[i]));
      }
    });
  }

  // Of the pixels that one of the picture stands for; those at the far edges may stand for fewer.
  bool in_middle(int64_t at, int64_t length) const {
    const int64_t first = at / scale_.shrink * scale_.shrink;
    return at == first + std::min(scale_.shrink, length - first) / 2;
  }

  void add_pixel(Sampled& to, int64_t column, int64_t row, bool average, double value) const {
    const int64_t f = scale_.shrink;
    if (!average &&
        !(in_middle(column, context_.selected.width) && in_middle(row, context_.selected.height)))
      return;
    const auto place = static_cast<size_t>(row / f * scale_.columns + column / f);
    to.sum[place] += value;
    ++to.count[place];
  }

  const workflow::TaskContext& context_;
  const Scale scale_;
  const std::vector<size_t> bands_;
  CubeSchema chosen_;
  std::vector<Sampled> sampled_;
};

struct Stretch {
  double min = 0, max = 1;
};

// Percentiles of the valid pixels, by rank.
Stretch stretch_of(const Sampled& band, const std::vector<double>& percentiles) {
  std::vector<double> values;
  for (size_t i = 0; i < band.count.size(); ++i)
    if (band.valid(i)) values.push_back(band.mean(i));
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::floor(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(percentiles[0] / 100), at(percentiles[1] / 100)};
}

// What bands are when they are looked for by the letters of index formulas.
std::vector<size_t> bands_by_letters(const CubeSchema& schema,
                                     const std::vector<std::string>& letters,
                                     const std::string& wanted) {
  const IndexBands bands(schema, {}, "", "quicklook");
  std::vector<size_t> out;
  for (const auto& letter : letters) {
    const auto found = bands.find(letter);
    if (!found)
      throw Error(ErrorCode::invalid,
                  fmt::format("quicklook.style: {} needs the band {}, which is none of {}", wanted,
                              IndexCatalogue::get().bands().contains(letter)
                                  ? IndexCatalogue::get().bands().at(letter).common_name
                                  : letter,
                              fmt::join(schema.band_names(), ", ")))
          .hint("name bands with `bands`");
    out.push_back(*found);
  }
  return out;
}

// An index of the picture's pixels, as the op of that name makes it.
Sampled index_of(const std::string& name, const std::vector<Sampled>& sampled,
                 const CubeSchema& stored, const std::vector<size_t>& bands) {
  CubeSchema input;
  input.slices.resize(1);
  input.validity_per_band = true;
  for (const size_t band : bands) {
    input.bands.push_back(stored.bands[band]);
    input.bands.back().type = raster::PixelType::float32;  // means of stored values
  }
  const size_t pixels = sampled.front().sum.size();
  raster::Block block(input, {0, 0, static_cast<int64_t>(pixels), 1}, 0, 1);
  for (size_t b = 0; b < bands.size(); ++b)
    for (size_t i = 0; i < pixels; ++i) {
      block.validity(0, b)[i] = sampled[b].valid(i) ? 1 : 0;
      block.plane<float>(b, 0)[i] =
          sampled[b].valid(i) ? static_cast<float>(sampled[b].mean(i)) : 0;
    }
  const auto op = make_index();
  workflow::Parameters parameters;
  op->declare(parameters);
  workflow::Value argument;
  argument.kind = workflow::Value::Kind::string;
  argument.text = name;
  parameters.bind(argument, "index");
  op->check();
  const auto& index = dynamic_cast<const workflow::BlockOp&>(*op);
  const CubeSchema* const in_schema = &input;
  const auto plan = index.plan({&in_schema, 1});
  raster::Block made(plan.outputs[0], block.window(), 0, 1);
  const auto prepared = index.prepare({});
  const CubeSchema* const out_schema = plan.outputs.data();
  const raster::Block* const in = &block;
  raster::Block* const out = &made;
  index.run({{&in_schema, 1}, {&out_schema, 1}, prepared.get(), {&in, 1}, {&out, 1}});
  Sampled result;
  for (size_t i = 0; i < pixels; ++i) {
    result.sum.push_back(static_cast<double>(made.plane<float>(0, 0)[i]));
    result.count.push_back(made.validity(0)[i]);
  }
  return result;
}

// How bright a value is, from 0 to 1.
double brightness(double value, const Stretch& stretch, double gamma) {
  const double t = std::clamp((value - stretch.min) / (stretch.max - stretch.min), 0.0, 1.0);
  return gamma == 1 ? t : kernels::power(t, 1 / gamma);
}

uint8_t shade(double value, const Stretch& stretch, double gamma) {
  if (!(stretch.min < stretch.max)) return 128;  // one value only
  return static_cast<uint8_t>(std::nearbyint(255 * brightness(value, stretch, gamma)));
}

// Red, green, blue and alpha; transparent where a band is invalid.
template <class Shading>
std::vector<std::vector<uint8_t>> draw(const std::vector<Sampled>& sampled, const Scale& scale,
                                       const Shading& colour_of) {
  const int64_t width = scale.columns * scale.enlarge, height = scale.rows * scale.enlarge;
  std::vector<std::vector<uint8_t>> out(4,
                                        std::vector<uint8_t>(static_cast<size_t>(width * height)));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto to = static_cast<size_t>(y * width + x);
      const auto from = static_cast<size_t>(y / scale.enlarge * scale.columns + x / scale.enlarge);
      if (!std::all_of(sampled.begin(), sampled.end(),
                       [&](const auto& b) { return b.valid(from); }))
        continue;
      const raster::Colour colour = colour_of(from);
      for (size_t i = 0; i < colour.size(); ++i) out[i][to] = colour[i];
      out[3][to] = 255;
    }
  }
  return out;
}

class Quicklook : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The layer to draw")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("bands", &bands_, "One band for grey, three for red, green and blue")
        .meaning(workflow::Meaning::band);
    parameters.add("min", &min_, "Stored value that becomes black; one, or one per band");
    parameters.add("max", &max_, "Stored value that becomes white; one, or one per band");
    parameters
        .add("style", &style_,
             "true_colour, false_colour, or an index of the catalogue: {index: NDVI}")
        .identity_if_changed();
    parameters
        .add("stretch", &stretch_,
             "Percentiles that become black and white, where min and max are not given")
        .range(0, 100)
        .identity_if_changed();
    parameters
        .add("colours", &colours_,
             "Of one band: grey, viridis, vegetation, or a list from low to high: [\"#000000\", "
             "...]")
        .identity_if_changed();
    parameters.add("gamma", &gamma_, "Above 1 brightens the middle").range(0.1, 10);
    parameters.add("size", &size_, "Longest side of the picture").range(16, 16384).unit("px");
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }

  void check() override {
    check_layer_name("quicklook.as", layer_made());
    if (!bands_.empty() && bands_.size() != 1 && bands_.size() != 3)
      throw Error(ErrorCode::invalid,
                  fmt::format("quicklook.bands: takes 1 or 3 bands, got {}", bands_.size()));
    if (stretch_.size() != 2 || !(stretch_[0] < stretch_[1]))
      throw Error(ErrorCode::invalid,
                  "quicklook.stretch: takes two percentiles, the lower one first")
          .hint("stretch: [2, 98]");
    check_style();
    check_colours();
  }

  std::string layer_made() const override {
    return result_.empty() ? layer_ + "_quicklook" : result_;
  }
  std::vector<std::string> layers_read() const override { return {layer_}; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(layer_);
    workflow::require_pixels(info, "quicklook.layer");
    const size_t all = chosen(info.schema).size();
    const size_t bands = index_.empty() ? all : 1;
    if (!colours_.empty() && !in_one_band(bands))
      throw Error(ErrorCode::invalid,
                  fmt::format("quicklook.colours: are of one band, not of {}", bands))
          .hint("name the band: bands: nir");
    check_limits("min", min_, bands);
    check_limits("max", max_, bands);
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::picture;
    return made;
  }

  // Sums and counts of three bands, the picture, and a part of a tile with decoder scratch.
  size_t memory_bytes(const geo::Grid& grid) const override {
    const Scale scale(grid.width, grid.height, size_);
    const auto pixels = static_cast<size_t>(scale.columns * scale.rows);
    const auto part =
        static_cast<size_t>(std::min(grid.width, kPartWidth) * std::min(grid.height, kPartHeight));
    const size_t bands = index_.empty() ? 3 : 2 * kMostIndexBands;
    return pixels * (bands * (sizeof(double) + sizeof(uint32_t)) + sizeof(double)) +
           pixels * static_cast<size_t>(scale.enlarge * scale.enlarge) * 8 + part * bands * 5 +
           (size_t{8} << 20);
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::vector<size_t> chosen(const CubeSchema& schema) const;
  static void check_limits(const char* name, const std::vector<double>& limits, size_t bands);
  std::vector<Stretch> stretches(const std::vector<Sampled>& sampled) const;
  void check_style();
  void check_colours();
  bool in_one_band(size_t bands) const { return bands == 1 || !index_.empty(); }
  using Shading = std::function<raster::Colour(size_t pixel)>;
  Shading by_class(const std::vector<raster::Colour>& colours, const Sampled& band) const;
  Shading by_stretch(const std::vector<Sampled>& sampled) const;

  std::string layer_, result_;
  std::vector<std::string> bands_;
  std::vector<double> min_, max_;
  static constexpr size_t kMostIndexBands = 8;
  workflow::Value style_;
  std::string index_;  // of the style
  std::vector<std::string> colours_;
  render::Ramp ramp_;  // empty: of nothing but grey
  std::vector<double> stretch_{2, 98};
  double gamma_ = 1;
  int64_t size_ = 1024;
};

void Quicklook::check_limits(const char* name, const std::vector<double>& limits, size_t bands) {
  if (limits.size() <= 1 || limits.size() == bands) return;
  throw Error(ErrorCode::invalid,
              fmt::format("quicklook.{}: needs one value or one for each of the {} "
                          "bands, got {}",
                          name, bands, limits.size()));
}

void Quicklook::check_style() {
  if (style_.is_null()) return;
  if (!bands_.empty())
    throw Error(ErrorCode::invalid, "quicklook: `style` and `bands` exclude each other");
  const std::vector<std::string> names{"true_colour", "false_colour"};
  if (style_.kind == workflow::Value::Kind::map && style_.map.size() == 1 &&
      style_.map.front().first == "index") {
    index_ = style_.map.front().second.text;
    const auto* const index = IndexCatalogue::get().find(index_);
    if (index == nullptr)
      throw style_.error(fmt::format("quicklook.style: there is no index '{}'", index_))
          .hint("`geoloom indices` lists them");
    if (IndexCatalogue::get().letters(*index).size() > kMostIndexBands)
      throw style_.error(fmt::format("quicklook.style: {} has too many bands", index_));
    return;
  }
  if (style_.kind != workflow::Value::Kind::string ||
      std::find(names.begin(), names.end(), style_.text) == names.end())
    throw style_.error(fmt::format("quicklook.style: there is no style {}", style_.described()))
        .hint("styles are true_colour, false_colour and {index: NDVI}");
}

void Quicklook::check_colours() {
  if (colours_.empty()) {
    if (!index_.empty()) ramp_ = render::named_ramps().at("vegetation");
    return;
  }
  if (colours_.size() > 1) {
    for (const auto& colour : colours_) ramp_.push_back(raster::colour_of(colour));
    return;
  }
  const auto found = render::named_ramps().find(colours_.front());
  if (found == render::named_ramps().end()) {
    std::vector<std::string> names;
    for (const auto& [name, ramp] : render::named_ramps()) names.push_back(name);
    throw Error(ErrorCode::invalid,
                fmt::format("quicklook.colours: there is no ramp '{}'", colours_.front()))
        .hint(spelling_hint(colours_.front(), names));
  }
  ramp_ = found->second;
}

std::vector<size_t> Quicklook::chosen(const CubeSchema& schema) const {
  if (!index_.empty())
    return bands_by_letters(
        schema, IndexCatalogue::get().letters(*IndexCatalogue::get().find(index_)), index_);
  if (style_.text == "true_colour") return bands_by_letters(schema, {"R", "G", "B"}, style_.text);
  if (style_.text == "false_colour") return bands_by_letters(schema, {"N", "R", "G"}, style_.text);
  std::vector<size_t> out;
  for (const auto& band : bands_) out.push_back(static_cast<size_t>(schema.band_index(band)));
  if (!out.empty()) return out;
  for (const char* colour : {"red", "green", "blue"})
    if (const int band = schema.find_band(colour); band >= 0)
      out.push_back(static_cast<size_t>(band));
  if (out.size() == 3) return out;
  return all_bands(schema.bands.size() >= 3 ? 3 : 1);
}

std::vector<Stretch> Quicklook::stretches(const std::vector<Sampled>& sampled) const {
  std::vector<Stretch> out;
  for (size_t band = 0; band < sampled.size(); ++band) {
    Stretch stretch;
    if (min_.empty() || max_.empty()) stretch = stretch_of(sampled[band], stretch_);
    if (!min_.empty()) stretch.min = min_[std::min(band, min_.size() - 1)];
    if (!max_.empty()) stretch.max = max_[std::min(band, max_.size() - 1)];
    out.push_back(stretch);
  }
  return out;
}

Quicklook::Shading Quicklook::by_class(const std::vector<raster::Colour>& colours,
                                       const Sampled& band) const {
  return [&colours, &band](size_t pixel) {
    const auto value = static_cast<size_t>(band.mean(pixel));
    return value < colours.size() ? colours[value] : raster::Colour{};
  };
}

Quicklook::Shading Quicklook::by_stretch(const std::vector<Sampled>& sampled) const {
  return [&sampled, limits = stretches(sampled), gamma = gamma_, &ramp = ramp_](size_t pixel) {
    if (!ramp.empty()) {
      const bool one_value = !(limits[0].min < limits[0].max);
      return render::colour_on(
          ramp, one_value ? 0.5 : brightness(sampled[0].mean(pixel), limits[0], gamma));
    }
    raster::Colour colour{};
    for (size_t i = 0; i < colour.size(); ++i) {
      const size_t band = std::min(i, sampled.size() - 1);
      colour[i] = shade(sampled[band].mean(pixel), limits[band], gamma);
    }
    return colour;
  };
}

workflow::Product Quicklook::run(const workflow::TaskContext& context) const {
  const auto& schema = context.layers->info(layer_).schema;
  (void)plan(*context.layers);
  const Scale scale(context.selected.width, context.selected.height, size_);
  const auto bands = chosen(schema);
  Sampling sampling(context, schema, bands, scale);
  const auto entries = context.layers->files(layer_, context.item);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].file && !entries[i].file->empty) sampling.add(*entries[i].file);
    if (context.progress)
      context.progress(static_cast<double>(i + 1) / static_cast<double>(entries.size()));
  }
  auto sampled = sampling.sampled();
  if (!index_.empty()) sampled = {index_of(index_, sampled, schema, bands)};
  const auto& colours = schema.bands[bands.front()].colours;
  const bool classes =
      bands.size() == 1 && !colours.empty() && ramp_.empty() && min_.empty() && max_.empty();
  const auto pixels =
      draw(sampled, scale, classes ? by_class(colours, sampled.front()) : by_stretch(sampled));
  workflow::Product product;
  product.layer = layer_made();
  product.scratch_path = fmt::format("{}/{}.png", context.scratch_folder, product.layer);
  gdal::write_png(product.scratch_path, scale.columns * scale.enlarge, scale.rows * scale.enlarge,
                  {pixels[0].data(), pixels[1].data(), pixels[2].data(), pixels[3].data()});
  product.extension = ".png";
  product.media_type = "image/png";
  product.summary.path = product.scratch_path;
  product.summary.sha256 = store::sha256_hex_of_file(product.scratch_path);
  if (const auto status = gdal::file_status(product.scratch_path))
    product.summary.bytes = status->size;
  product.grid = context.grid.sub(context.selected);
  return product;
}

}  // namespace

std::unique_ptr<workflow::Op> make_quicklook() {
  return std::make_unique<Quicklook>();
}

}  // namespace geoloom::ops
