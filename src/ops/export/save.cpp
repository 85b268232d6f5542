// SPDX-License-Identifier: Apache-2.0
// Where a chain's pixels go: one Cloud Optimized GeoTIFF per item, or the item's chunks of a Zarr
// cube, encoded once.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "error/error.h"
#include "ops/class_names.h"
#include "ops/export/layer_sinks.h"
#include "ops/export/profile.h"
#include "ops/layer_file.h"
#include "raster/cog.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;
using raster::PixelType;

const workflow::OpDescription kDescription{
    .name = "save",
    .kind = workflow::OpKind::sink,
    .version = 2,
    .summary = "Write the pixels as a layer: one Cloud Optimized GeoTIFF per item, or a Zarr cube",
    .documentation =
        R"(Gives the result a name that other steps, `mosaic` and `quicklook` can read, and writes one file per
item with tiles, overviews and statistics.

**Bands and slices.** The file has one band per band and slice, all of one type. One slice keeps the
names of the bands; several become `<band>_<label>`, slice after slice. `bands` saves only some, so
that results of different types go to layers of their own.

**Types.** `type` converts: to whole numbers by rounding half to even, and values outside of the
type's range are clipped to it and counted. Scale and offset of a band are kept, and stored values are
not rescaled, unless `scale` is given: then measured bands are stored as (value - offset) / scale, so
`{type: int16, scale: 0.0001, nodata: -32768}` keeps an index of -1 to 1 to four digits. Counts and classes
stay as they are.

**Invalid pixels** are written as nodata: the value given here, else that of the band. Without one, with
bands that differ in theirs, for JPEG, and for LERC with a tolerance or NaN the file has an internal mask band. It has one mask for all its bands: where
that would lose pixels (several slices, or bands that are not valid in the same places) float32 bands get NaN and counts 65535
instead, and other bands are refused until `nodata` says which value is free. Only in a JPEG of three bands a pixel is valid
where all of them are. Valid pixels that happen to hold the nodata value are counted in the statistics; choose another value
when there are any.

**Colours** of classes, `colours: {1: "#228b22", 2: "#1e90ff"}`, are written as the file's colour table, which maps and pictures
are then drawn with; classes that are not listed are black. A band that is given colours holds classes. Without `colours` the table
of the scenes is kept. A GeoTIFF has room for one: a file of one band of uint8 or uint16 gets it, and not with `jpeg` or a tolerance.

**Names** of classes, `classes: {1: forest, 2: water}`, or those that the band carries already (from `reclass`, `predict`, `exclude`, or the scenes),
are written into the file and into a small one beside it, `<file>.aux.xml`, where GDAL and QGIS look for them, and stand in the STAC item. Layers keep
them, so that `class_areas`, `design` and `vectorise` know them.

**Overviews** average measures, take the most frequent class of categories and pick the nearest
count. `jpeg` is lossy and meant for pictures, `lerc` with `max_z_error` for measured values; save
intermediate layers without loss.

**A cube.** `format: zarr` makes one Zarr cube of the layer instead, `<layer>.zarr` in the store, that
xarray opens with coordinates x, y and time and its CRS. Bands are variables, which may differ in type;
each needs a nodata value (float32 has NaN by itself, counts 65535). A chunk is one date of one band, of `profile: {block: 512}` pixels,
compressed with `deflate` or `zstd`. Each item writes its own chunks; dates that only some tiles have
are empty in the others. Tiles that are not whole numbers of chunks become cubes of their own, and so do
zones and the values of axes that are not periods.)",
    .inputs = {{"pixels", "what to write"}},
    .outputs = {}};

class Save : public workflow::SinkOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "Name of the layer")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("bands", &bands_, "Save only these bands. Default: all")
        .meaning(workflow::Meaning::band);
    parameters
        .add("format", &format_, "`cog`: a GeoTIFF for each item. `zarr`: one cube of all items")
        .choices({"cog", "zarr"})
        .identity_if_changed();
    parameters.add("nodata", &nodata_,
                   "What is stored where a pixel is invalid. Default: the band's");
    parameters.add("type", &type_, "Convert to this type. Default: the band's")
        .choices({"uint8", "uint16", "int16", "float32"});
    parameters
        .add("scale", &scale_, "Store measured values so that stored * scale + offset is the value")
        .identity_if_changed();
    parameters.add("offset", &offset_, "With `scale`: what a stored 0 stands for")
        .identity_if_changed();
    parameters.add("colours", &colours_,
                   "Colours of classes, \"#rrggbb\" by value. Default: those of the scenes");
    parameters
        .add("classes", &class_names_,
             "Names of classes by value, of the only band. Default: those that bands carry")
        .identity_if_changed();
    parameters.add("profile", &profile_, "How the file is encoded");
  }

  void check() override {
    check_layer_name("save.layer", layer_);
    check_scale();
    classes_ = ClassNames(class_names_, "save.classes");
    if (cube()) {
      chunks_ = profile_.chunks();
      if (!colours_.empty())
        throw Error(ErrorCode::invalid, "save.colours: a cube has no colour table")
            .hint("save the classes as GeoTIFFs: format: cog");
      return;
    }
    cog_ = profile_.cog();
    const bool blurs = cog_.codec == raster::Codec::jpeg || cog_.max_z_error > 0;
    if (!colours_.empty() && blurs)
      throw Error(ErrorCode::invalid,
                  fmt::format("save.colours: {} blurs values, so its files have no colour table",
                              raster::name(cog_.codec)))
          .hint("choose a lossless codec");
    if (!classes_.empty() && blurs)
      throw Error(ErrorCode::invalid, fmt::format("save.classes: {} blurs values: they are no "
                                                  "classes any more",
                                                  raster::name(cog_.codec)))
          .hint("choose a lossless codec");
    if (nodata_ && blurs)
      throw Error(ErrorCode::invalid,
                  fmt::format("save.nodata: {} blurs values, so its files have a mask band",
                              raster::name(cog_.codec)))
          .hint("leave nodata out, or choose a lossless codec");
  }

  void check_scale() const {
    if (offset_ && !scale_)
      throw Error(ErrorCode::invalid, "save.offset: is for `scale` only")
          .hint("scale: 1 keeps the units");
    const bool usable = !scale_ || (std::isfinite(*scale_) && *scale_ != 0);
    if (!usable || !std::isfinite(offset_.value_or(0)))
      throw Error(ErrorCode::invalid, "save.scale: must be a number other than 0");
  }

  std::string layer() const override { return layer_; }

  CubeSchema plan(const CubeSchema& input) const override {
    CubeSchema output = input;
    output.bands.clear();
    for (const size_t band : chosen(input)) {
      raster::Band out = input.bands[band];
      if (type_) out.type = raster::pixel_type_of(*type_);
      if (scale_ && out.kind == raster::BandKind::measure) {
        out.scale = *scale_;
        out.offset = offset_.value_or(0);
      }
      if (nodata_)
        out.nodata = fitting_nodata(out);
      else if (out.nodata && !raster::holds(out.type, *out.nodata))
        out.nodata.reset();  // not a value of the new type
      output.bands.push_back(std::move(out));
    }
    name_classes(output);
    if (cube()) return as_stored(std::move(output), chunks_, layer_);
    output = as_stored(std::move(output), cog_, layer_);
    if (!colours_.empty()) colour(output);
    return output;
  }

  size_t memory_bytes(const geo::Grid& grid, const CubeSchema& input) const override {
    if (input.slices.empty()) return 0;  // an empty item
    return cube() ? raster::ChunkedCubeWriter::memory_bytes(grid, plan(input), chunks_)
                  : raster::CogWriter::memory_bytes(grid, plan(input), cog_);
  }

  std::unique_ptr<workflow::Sink> open(const workflow::SinkContext& context,
                                       const CubeSchema& input) const override {
    LayerPixels pixels{layer_, input, plan(input), chosen(input)};
    return cube() ? open_chunk_sink(std::move(pixels), context, chunks_)
                  : open_cog_sink(std::move(pixels), context, cog_);
  }

 private:
  bool cube() const { return format_ == "zarr"; }

  std::vector<size_t> chosen(const CubeSchema& input) const {
    if (bands_.empty()) return all_bands(input.bands.size());
    std::vector<size_t> out;
    for (const auto& band : bands_) out.push_back(static_cast<size_t>(input.band_index(band)));
    return out;
  }

  void name_classes(CubeSchema& output) const {
    if (classes_.empty()) return;
    if (output.bands.size() > 1)
      throw Error(ErrorCode::invalid,
                  fmt::format("save.classes: are of one band, got {}", output.bands.size()))
          .hint("choose the band of classes with `bands:`");
    classes_.give_to(output.bands.front(), "save.classes");
  }

  void colour(CubeSchema& output) const {
    raster::Band& band = output.bands.front();
    if (output.bands.size() > 1 || output.slices.size() > 1 || !raster::can_have_colours(band.type))
      throw Error(ErrorCode::invalid,
                  fmt::format("save.colours: only a file of one band of uint8 or uint16 can have "
                              "colours, got {} of {}",
                              output.bands.size() * std::max<size_t>(1, output.slices.size()),
                              raster::name(band.type)))
          .hint("choose the band of classes with `bands:`, and its type with `type:`");
    band.kind = raster::BandKind::category;
    band.colours.clear();
    for (const auto& [text, colour] : colours_) {
      const auto value = class_of(text);
      if (!value || !raster::holds(band.type, static_cast<double>(*value)))
        throw Error(ErrorCode::invalid, fmt::format("save.colours: '{}' is not a value of {}", text,
                                                    raster::name(band.type)))
            .hint("colours are given to whole numbers, as in colours: {1: \"#228b22\"}");
      band.colours.resize(std::max(band.colours.size(), *value + 1));
      band.colours[*value] = colour;
    }
    while (!band.colours.empty() && band.colours.back() == raster::Colour{})
      band.colours.pop_back();
  }

  static std::optional<size_t> class_of(std::string_view text) {
    uint16_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
  }

  double fitting_nodata(const raster::Band& band) const {
    if (!raster::holds(band.type, *nodata_))
      throw Error(ErrorCode::invalid,
                  fmt::format("save.nodata: {} is not a value of {}, the type of "
                              "band '{}'",
                              *nodata_, raster::name(band.type), band.name))
          .hint("choose a whole number in the type's range, or leave nodata out for a mask band");
    // What a float32 file can hold of it.
    return band.type == PixelType::float32 ? static_cast<double>(static_cast<float>(*nodata_))
                                           : *nodata_;
  }

  std::string layer_;
  std::vector<std::string> bands_;
  std::string format_ = "cog";
  std::optional<double> nodata_, scale_, offset_;
  std::optional<std::string> type_;
  std::map<std::string, raster::Colour> colours_;
  std::map<std::string, std::string> class_names_;
  ClassNames classes_;
  Profile profile_;
  raster::CogProfile cog_;
  raster::ChunkProfile chunks_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_save() {
  return std::make_unique<Save>();
}

}  // namespace geoloom::ops
