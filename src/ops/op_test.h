// SPDX-License-Identifier: Apache-2.0
// What op tests share: ops bound from YAML, cubes and files drawn as lists of numbers in which NaN
// stands for an invalid pixel.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gdal/dataset.h"
#include "gdal/geotiff_writer.h"
#include "raster/asset_pool.h"
#include "raster/cube.h"
#include "workflow/op.h"

namespace geoloom::ops {

inline constexpr double kInvalid = std::numeric_limits<double>::quiet_NaN();
using Numbers = std::vector<double>;

// NaN equals NaN.
inline auto numbers_are(const Numbers& expected) {
  std::vector<testing::Matcher<double>> each;
  for (const double value : expected) each.push_back(testing::NanSensitiveDoubleEq(value));
  return testing::ElementsAreArray(each);
}

// Binds parameters as the compiler of workflows does.
template <class T = workflow::BlockOp>
std::unique_ptr<T> bound(std::unique_ptr<workflow::Op> op, const std::string& yaml) {
  workflow::Parameters parameters;
  op->declare(parameters);
  parameters.bind(workflow::parse_yaml(yaml, "test.yaml"), op->description().name);
  op->check();
  auto* typed = dynamic_cast<T*>(op.get());
  if (typed == nullptr) throw std::logic_error("another kind of op");
  (void)op.release();
  return std::unique_ptr<T>(typed);
}

// Runs something that must fail and gives its whole message.
template <class F>
std::string error_of(F&& body, ErrorCode expected = ErrorCode::invalid) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(traits(error.code()).name, traits(expected).name) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// The folder of one test, removed at its end.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ops_test_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
    gdal::initialise();
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

inline geo::Grid grid_of(int64_t width, int64_t height, double pixel = 10, double x = 600000,
                         double y = 5000000) {
  geo::Grid grid;
  grid.crs = geo::Crs::parse("EPSG:32631");
  grid.origin_x = x;
  grid.origin_y = y;
  grid.pixel_width = grid.pixel_height = pixel;
  grid.width = width;
  grid.height = height;
  return grid;
}

struct Tif {
  geo::Grid grid = geo::Grid();
  raster::PixelType type = raster::PixelType::uint8;
  std::vector<Numbers> bands;
  std::optional<double> nodata;
  double scale = 1, offset = 0;
  std::vector<std::string> names;
};

inline void write_tif(const std::string& path, const Tif& tif) {
  gdal::ScratchWriter::Options options;
  options.type = static_cast<gdal::BufferType>(tif.type);
  options.nodata = tif.nodata;
  options.block_size = 64;
  for (size_t i = 0; i < tif.bands.size(); ++i)
    options.bands.push_back({.name = i < tif.names.size() ? tif.names[i] : "",
                             .unit = "",
                             .scale = tif.scale,
                             .offset = tif.offset,
                             .colour = ""});
  gdal::ScratchWriter writer(path, tif.grid, options);
  for (size_t i = 0; i < tif.bands.size(); ++i) {
    raster::visit(tif.type, [&]<class T>(T) {
      std::vector<T> values;
      for (const double value : tif.bands[i]) values.push_back(static_cast<T>(value));
      writer.write(tif.grid.window(), static_cast<int>(i) + 1, values.data(),
                   static_cast<size_t>(tif.grid.width) * sizeof(T));
    });
  }
  writer.close();
}

// A cube drawn as values[slice][band][pixel], one row high.
struct Cube {
  raster::CubeSchema schema;
  std::vector<std::vector<Numbers>> values;
};

inline raster::Slice day(const std::string& date) {
  const auto time = geo::parse_time(date).value();
  return {.period = {time, time}, .timed = true, .label = date};
}

inline raster::Block block_of(const Cube& cube, size_t first, size_t count) {
  const auto width = static_cast<int64_t>(cube.values.front().front().size());
  raster::Block block(cube.schema, {0, 0, width, 1}, first, count);
  for (size_t s = 0; s < count; ++s) {
    for (size_t b = 0; b < cube.schema.bands.size(); ++b) {
      const auto& values = cube.values[first + s][b];
      auto valid = block.validity(s, b);
      raster::visit(block.type(b), [&]<class T>(T) {
        for (size_t i = 0; i < values.size(); ++i) {
          valid[i] = std::isnan(values[i]) ? 0 : 1;
          block.plane<T>(b, s)[i] = std::isnan(values[i]) ? T{77} : static_cast<T>(values[i]);
        }
      });
    }
  }
  return block;
}

inline Numbers numbers(const raster::Block& block, size_t band, size_t slice = 0) {
  Numbers out;
  raster::visit(block.type(band), [&]<class T>(T) {
    for (size_t i = 0; i < block.pixels(); ++i)
      out.push_back(block.validity(slice, band)[i] != 0
                        ? static_cast<double>(block.plane<T>(band, slice)[i])
                        : kInvalid);
  });
  return out;
}

struct Result {
  raster::CubeSchema schema;
  raster::Block block;
  Numbers at(const std::string& band, size_t slice = 0) const {
    return numbers(block, static_cast<size_t>(schema.band_index(band)), slice);
  }
};

// Runs a block op in one call, or a streaming one in batches of so many slices.
inline Result run(const workflow::BlockOp& op, const Cube& cube, size_t batch = 0,
                  const std::vector<std::string>& files = {}) {
  const raster::CubeSchema* input = &cube.schema;
  const auto plan = op.plan({&input, 1});
  Result result{plan.outputs.at(0), {}};
  const raster::CubeSchema* output = &result.schema;
  const size_t slices = cube.schema.slices.size();
  const raster::Block all = block_of(cube, 0, slices);
  result.block = raster::Block(result.schema, all.window(), 0, result.schema.slices.size());
  std::vector<workflow::FileContent> contents;
  for (const auto& file : files) contents.push_back({"", "", file});
  const auto prepared = op.prepare(contents);
  raster::Block* out = &result.block;
  const raster::Block* in = &all;
  if (batch == 0) {
    op.run({{&input, 1}, {&output, 1}, prepared.get(), {&in, 1}, {&out, 1}});
    return result;
  }
  EXPECT_EQ(plan.time_need, workflow::TimeNeed::streaming);
  std::unique_ptr<workflow::StreamState> state;
  for (size_t first = 0; first < slices; first += batch) {
    const raster::Block part = block_of(cube, first, std::min(batch, slices - first));
    in = &part;
    const workflow::BlockCall call{{&input, 1}, {&output, 1}, prepared.get(), {&in, 1}, {}};
    if (first == 0) state = op.init(call, part.window());
    op.update(*state, call);
  }
  op.finish(*state, {{&input, 1}, {&output, 1}, prepared.get(), {}, {&out, 1}});
  return result;
}

// Layers made of given files.
class FakeLayers : public workflow::Layers {
 public:
  void add(workflow::LayerInfo info, std::vector<Entry> entries) {
    entries_[info.name] = std::move(entries);
    const auto name = info.name;
    infos_[name] = std::move(info);
  }
  const workflow::LayerInfo& info(const std::string& layer) const override {
    const auto found = infos_.find(layer);
    if (found == infos_.end()) throw Error(ErrorCode::invalid, "there is no layer '" + layer + "'");
    return found->second;
  }
  std::vector<Entry> files(const std::string& layer, const workflow::Item&) const override {
    return entries_.at(layer);
  }
  std::vector<workflow::LayerFile> files(const std::string& layer, const workflow::Item& item,
                                         const workflow::LayerSelection&) const override {
    for (const auto& entry : entries_.at(layer))
      if (entry.item.name == item.name && entry.file) return {*entry.file};
    throw Error(ErrorCode::missing, "no receipt");
  }

 private:
  std::map<std::string, workflow::LayerInfo> infos_;
  std::map<std::string, std::vector<Entry>> entries_;
};

}  // namespace geoloom::ops
