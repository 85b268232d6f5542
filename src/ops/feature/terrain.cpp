// SPDX-License-Identifier: Apache-2.0
// Slope, aspect and hillshade from an elevation model.
#include "kernels/terrain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <numbers>

#include "error/error.h"
#include "kernels/elementary.h"
#include "kernels/validity.h"
#include "ops/physical.h"
#include "ops/result_choice.h"
#include "workflow/op.h"

namespace geoloom::ops {
namespace {

using raster::Block;
using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "terrain",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Slope, aspect and hillshade from heights",
    .documentation =
        R"(The gradient of the ground at a pixel comes from its eight neighbours, those beside it weighing twice as
much as those at the corners (Horn, "Hill shading and the reflectance map", 1981), as in `gdaldem`:

- `slope`: the steepest way down, in degrees or percent (`slope_unit`), float32;
- `aspect`: where it points to, degrees clockwise from north, 0 to below 360, float32; invalid on level
  ground;
- `hillshade`: the light of a sun at `sun_azimuth` and `sun_altitude` on it, uint8: 1 (dark) to 255.

Heights are physical values and must be in metres: a scale of 0.3048 makes metres of feet.

**Pixels on the ground.** In a projected system a pixel is as large as the grid says. In degrees its
size is that on the WGS84 ellipsoid at the latitude of its row, which `gdaldem` leaves to the user. The scale of the
projection itself is left out: on Web Mercator, which is stretched, use another grid.

**Invalid pixels.** A pixel without a height has no result. One of whose neighbours lacks a height has
none either, as with `gdaldem`; so a rim of one pixel around the elevation model is invalid. With
`edges: level` missing neighbours count as high as the pixel itself, as `gdaldem -compute_edges` does beside
nodata. At the borders of tiles nothing is missing: heights are read beyond them.)",
    .inputs = {{"elevation", "a band of heights in metres, any number of slices"}},
    .outputs = {{"terrain", "one band for each measure"}}};

const std::vector<std::string> kMeasures{"slope", "aspect", "hillshade"};

class Terrain : public workflow::BlockOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("measures", &measures_, "What to compute, in this order")
        .choices(kMeasures)
        .main();
    parameters.add("band", &band_, "The band of heights. Default: the only one")
        .meaning(workflow::Meaning::band);
    parameters.add("slope_unit", &slope_unit_, "What slopes are measured in")
        .choices({"degrees", "percent"});
    parameters
        .add("sun_azimuth", &sun_.azimuth_degrees,
             "Where the light comes from: clockwise from north")
        .range(0, 360)
        .unit("degrees");
    parameters.add("sun_altitude", &sun_.altitude_degrees, "How high the sun stands")
        .range(0, 90)
        .unit("degrees");
    parameters
        .add("exaggeration", &exaggeration_, "What heights are multiplied by for the hillshade")
        .range(0, 1e6);
    parameters.add("edges", &edges_, "Pixels that lack a neighbour's height")
        .choices({"invalid", "level"});
  }
  void check() override { check_choice("terrain.measures", measures_); }
  workflow::BlockPlan plan(std::span<const CubeSchema* const> inputs) const override;
  workflow::BlockPlan plan_at(const workflow::PlanSite& site,
                              std::span<const CubeSchema* const> inputs) const override;
  void run(const workflow::BlockCall& call) const override;

 private:
  size_t height_band(const CubeSchema& input) const;
  raster::Band band_of(const std::string& measure) const;
  void write(const std::string& measure, const std::vector<double>& east,
             const std::vector<double>& north, Block& out, size_t band, size_t slice) const;

  std::vector<std::string> measures_{"slope"};
  std::optional<std::string> band_;
  std::string slope_unit_ = "degrees", edges_ = "invalid";
  kernels::Sun sun_;
  double exaggeration_ = 1;
};

size_t Terrain::height_band(const CubeSchema& input) const {
  if (band_) return static_cast<size_t>(input.band_index(*band_));
  if (input.bands.size() == 1) return 0;
  throw Error(
      ErrorCode::invalid,
      fmt::format("terrain.band: there are {} bands, say which holds heights", input.bands.size()))
      .hint(fmt::format("known: {}", fmt::join(input.band_names(), ", ")));
}

raster::Band Terrain::band_of(const std::string& measure) const {
  if (measure == "hillshade")
    return {.name = measure, .type = raster::PixelType::uint8, .nodata = 0};
  return measured_band(measure, measure == "aspect" ? "degrees" : slope_unit_);
}

workflow::BlockPlan Terrain::plan(std::span<const CubeSchema* const> inputs) const {
  const CubeSchema& input = *inputs[0];
  const auto& heights = input.bands[height_band(input)];
  if (heights.kind == raster::BandKind::category)
    throw Error(ErrorCode::invalid,
                fmt::format("terrain: band '{}' holds classes, not heights", heights.name));
  CubeSchema output;
  output.slices = input.slices;
  // Level ground has a slope and no aspect.
  output.validity_per_band = measures_.size() > 1;
  for (const auto& measure : measures_) output.bands.push_back(band_of(measure));
  return {.outputs = {std::move(output)},
          .time_need = workflow::TimeNeed::pointwise,
          .halo_pixels = 1,
          .scratch_bytes_per_pixel = 2 * sizeof(double) + 2 * sizeof(float)};
}

workflow::BlockPlan Terrain::plan_at(const workflow::PlanSite& site,
                                     std::span<const CubeSchema* const> inputs) const {
  if (!site.grid->crs.geographic() && site.grid->crs.metres_per_unit() <= 0)
    throw Error(ErrorCode::invalid,
                "terrain: the area's grid has no known units, so slopes are unknown");
  return plan(inputs);
}

// On the WGS84 ellipsoid, for pixels in degrees.
kernels::GroundPixel ground_pixel(double latitude_degrees, const geo::Grid& grid) {
  constexpr double kSemiMajor_m = 6378137, kEccentricity2 = 6.69437999014131699614e-3;
  constexpr double kRadians = std::numbers::pi / 180;
  const double sine = kernels::sine(latitude_degrees * kRadians);
  const double cosine = kernels::cosine(latitude_degrees * kRadians);
  const double w2 = 1 - kEccentricity2 * sine * sine, w = std::sqrt(w2);
  const double along_parallel = kSemiMajor_m / w * cosine;
  const double along_meridian = kSemiMajor_m * (1 - kEccentricity2) / (w2 * w);
  return {grid.pixel_width * kRadians * along_parallel,
          grid.pixel_height * kRadians * along_meridian};
}

std::vector<kernels::GroundPixel> ground_pixels(const geo::Grid& grid, const geo::Window& window) {
  std::vector<kernels::GroundPixel> rows;
  for (int64_t y = window.y; y < window.bottom(); ++y) {
    if (grid.crs.geographic()) {
      const double latitude = grid.origin_y - (static_cast<double>(y) + 0.5) * grid.pixel_height;
      rows.push_back(ground_pixel(latitude, grid));
    } else {
      const double unit_m = grid.crs.metres_per_unit();
      rows.push_back({grid.pixel_width * unit_m, grid.pixel_height * unit_m});
    }
  }
  return rows;
}

void Terrain::write(const std::string& measure, const std::vector<double>& east,
                    const std::vector<double>& north, Block& out, size_t band, size_t slice) const {
  const size_t pixels = east.size();
  if (measure == "hillshade") {
    const auto shade = out.plane<uint8_t>(band, slice);
    kernels::hillshade(east.data(), north.data(), pixels, sun_, exaggeration_, shade.data());
    const auto valid = out.validity(slice, band);
    for (size_t i = 0; i < pixels; ++i) valid[i] = shade[i] != 0 ? 1 : 0;
    return;
  }
  std::vector<float> values(pixels);
  if (measure == "aspect")
    kernels::aspect_degrees(east.data(), north.data(), pixels, values.data());
  else if (slope_unit_ == "percent")
    kernels::slope_percent(east.data(), north.data(), pixels, values.data());
  else
    kernels::slope_degrees(east.data(), north.data(), pixels, values.data());
  write_measured(values, out, band, slice);
}

void Terrain::run(const workflow::BlockCall& call) const {
  const Block& in = *call.inputs[0];
  Block& out = *call.outputs[0];
  const CubeSchema& input = *call.input_schemas[0];
  const size_t band = height_band(input);
  const auto width = static_cast<size_t>(out.window().width);
  const auto height = static_cast<size_t>(out.window().height);
  const auto rows = ground_pixels(*call.grid, out.window());
  std::vector<float> heights(in.pixels());
  std::vector<double> east(out.pixels()), north(out.pixels());
  const auto missing =
      edges_ == "level" ? kernels::MissingNeighbour::level : kernels::MissingNeighbour::no_gradient;
  for (size_t slice = 0; slice < in.slices(); ++slice) {
    read_physical(in, input.bands[band], band, slice, heights);
    kernels::horn_gradients(heights.data(), width, height, rows.data(), missing, east.data(),
                            north.data());
    for (size_t m = 0; m < measures_.size(); ++m) write(measures_[m], east, north, out, m, slice);
  }
}

}  // namespace

std::unique_ptr<workflow::Op> make_terrain() {
  return std::make_unique<Terrain>();
}

}  // namespace geoloom::ops
