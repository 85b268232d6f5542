// SPDX-License-Identifier: Apache-2.0
// One class for each segment of a map.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "error/error.h"
#include "ops/object/map_task.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "zonal_majority",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "One class for each segment: the most frequent one, or one that has more than half",
    .documentation =
        R"(Gives all pixels of a segment one class, which is how a map of pixels becomes one of fields.

- `rule: mode` takes the class that is most frequent among the segment's valid pixels, of equally frequent ones the lowest.
- `rule: over_half` looks at one class: `value` where strictly more than half of the segment's pixels have it, else `otherwise`. All pixels of
  the segment are counted, whether the map is valid there or not. This is the rule of the Digital Earth Africa cropland maps.

`segments` is a layer of `segment`, or of any whole numbers from 1 up to 16 777 216.

**Invalid pixels.** Where the map is invalid it stays so, unless `invalid: fill`. Pixels without a segment are invalid. A segment without a
valid pixel is invalid with `rule: mode`.

The layers are read twice. Memory grows with the number of segments times that of classes. The result is a layer of one band named by `as:`, by
default `<layer>_zonal_majority`.)",
    .inputs = {},
    .outputs = {{"map", "the band of classes"}}};

constexpr size_t kMostClasses = 256;
constexpr double kMostSegments = 1 << 24;

class ZonalMajority : public MapTask {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The map").required().meaning(workflow::Meaning::layer);
    parameters.add("band", &band_, "Which of its bands; needed where there are several");
    parameters.add("segments", &segments_, "The layer of segments")
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("rule", &rule_, "Which class a segment gets").choices({"mode", "over_half"});
    parameters.add("value", &value_, "Of over_half: the class that is counted");
    parameters.add("otherwise", &otherwise_, "Of over_half: the class of the other segments");
    parameters.add("invalid", &invalid_, "What becomes of pixels where the map is invalid")
        .choices({"keep", "fill"});
    declare_profile(parameters);
  }
  std::vector<std::string> layers_read() const override { return {layer_, segments_}; }

  size_t memory_bytes(const geo::Grid& grid) const override {
    constexpr size_t kPixelsPerSegment = 64, kBytesPerSegment = 32;
    return writing_bytes(grid, 16) +
           static_cast<size_t>(grid.window().pixels()) / kPixelsPerSegment * kBytesPerSegment;
  }

  workflow::Product run(const workflow::TaskContext& context) const override;

 protected:
  raster::Band band_made(const workflow::Layers& layers) const override;

 private:
  template <class T>
  workflow::Product run_on(const workflow::TaskContext& context, const LayerPicture& map,
                           const LayerPicture& segments) const;

  std::string band_, segments_, rule_ = "mode", invalid_ = "keep";
  int64_t value_ = 1, otherwise_ = 0;
};

raster::Band ZonalMajority::band_made(const workflow::Layers& layers) const {
  const auto& segments = layers.info(segments_);
  workflow::require_pixels(segments, "zonal_majority.segments");
  if (segments.schema.bands.size() != 1 || segments.schema.slices.size() > 1)
    throw Error(
        ErrorCode::invalid,
        fmt::format("zonal_majority.segments: layer '{}' is not one band of one slice", segments_));
  const auto& band = class_band(layers.info(layer_), band_, "zonal_majority.layer");
  if (rule_ == "over_half")
    for (const auto value : {value_, otherwise_})
      if (!raster::holds(band.type, static_cast<double>(value)))
        throw Error(ErrorCode::invalid,
                    fmt::format("zonal_majority: {} is not a value of band '{}' ({})", value,
                                band.name, raster::name(band.type)));
  return band;
}

// Ids of segments of a row; 0 where there is none.
void read_ids(const raster::Block& strip, std::vector<uint32_t>& ids) {
  ids.resize(strip.pixels());
  const auto valid = strip.validity(0);
  raster::visit(strip.type(0), [&]<class T>(T) {
    const auto plane = strip.plane<T>(0, 0);
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto id = static_cast<double>(plane[i]);
      if (valid[i] != 0 && !(id >= 0 && id <= kMostSegments && id == static_cast<uint32_t>(id)))
        throw Error(ErrorCode::invalid, fmt::format("{} is no number of a segment", id));
      ids[i] = valid[i] != 0 ? static_cast<uint32_t>(id) : 0;
    }
  });
}

// How often each class occurs in each segment.
template <class T>
class Counts {
 public:
  void add(const std::vector<uint32_t>& ids, const raster::Block& map) {
    const auto classes = map.plane<T>(0, 0);
    const auto valid = map.validity(0);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == 0) continue;
      if (ids[i] >= sizes_.size()) sizes_.resize(ids[i] + size_t{1});
      ++sizes_[ids[i]];
      if (valid[i] != 0) ++count(ids[i], classes[i]);
    }
  }

  // By segment; nullopt where it has none.
  std::optional<T> mode(uint32_t segment) const {
    std::optional<T> best;
    uint32_t most = 0;
    for (size_t k = 0; k < classes_.size(); ++k) {
      const uint32_t count = segment < counts_[k].size() ? counts_[k][segment] : 0;
      if (count == 0 || count < most || (count == most && classes_[k] > *best)) continue;
      most = count;
      best = classes_[k];
    }
    return best;
  }
  bool over_half(uint32_t segment, T value) const {
    const auto found = std::find(classes_.begin(), classes_.end(), value);
    if (found == classes_.end()) return false;
    const auto& counts = counts_[static_cast<size_t>(found - classes_.begin())];
    return segment < counts.size() && uint64_t{2} * counts[segment] > sizes_[segment];
  }
  size_t segments() const { return sizes_.size(); }

 private:
  uint32_t& count(uint32_t segment, T value) {
    if (last_ >= classes_.size() || classes_[last_] != value) {
      last_ = static_cast<size_t>(std::find(classes_.begin(), classes_.end(), value) -
                                  classes_.begin());
      if (last_ == classes_.size()) {
        if (last_ == kMostClasses)
          throw Error(ErrorCode::invalid,
                      fmt::format("the map has more than {} classes", kMostClasses));
        classes_.push_back(value);
        counts_.emplace_back();
      }
    }
    auto& counts = counts_[last_];
    if (segment >= counts.size())
      counts.resize(std::max<size_t>(segment + size_t{1}, sizes_.size()));
    return counts[segment];
  }

  std::vector<uint32_t> sizes_;
  std::vector<T> classes_;  // as they are met
  std::vector<std::vector<uint32_t>> counts_;
  size_t last_ = 0;
};

template <class T>
workflow::Product ZonalMajority::run_on(const workflow::TaskContext& context,
                                        const LayerPicture& map,
                                        const LayerPicture& segments) const {
  Counts<T> counts;
  std::vector<uint32_t> ids;
  map.for_strips([&](const raster::Block& strip) {
    read_ids(segments.read(strip.window()), ids);
    counts.add(ids, strip);
  });
  std::vector<std::optional<T>> classes(counts.segments());
  for (uint32_t id = 1; id < classes.size(); ++id) {
    if (rule_ == "mode")
      classes[id] = counts.mode(id);
    else
      classes[id] =
          static_cast<T>(counts.over_half(id, static_cast<T>(value_)) ? value_ : otherwise_);
  }
  Output output(*this, context);
  map.for_strips([&](const raster::Block& strip) {
    read_ids(segments.read(strip.window()), ids);
    auto out = output.block(strip.window());
    const auto to = out.template plane<T>(0, 0);
    const auto valid = strip.validity(0);
    const auto to_valid = out.validity(0);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == 0 || !classes[ids[i]] || (valid[i] == 0 && invalid_ == "keep")) continue;
      to[i] = *classes[ids[i]];
      to_valid[i] = 1;
    }
    output.write(out);
  });
  return output.finish();
}

workflow::Product ZonalMajority::run(const workflow::TaskContext& context) const {
  const auto band = band_made(*context.layers);
  const LayerPicture map(context, layer_, {band.name}, "zonal_majority");
  const LayerPicture segments(context, segments_, {}, "zonal_majority");
  return raster::visit(band.type, [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>) return run_on<T>(context, map, segments);
    return workflow::Product{};  // not of classes
  });
}

}  // namespace

std::unique_ptr<workflow::Op> make_zonal_majority() {
  return std::make_unique<ZonalMajority>();
}

}  // namespace geoloom::ops
