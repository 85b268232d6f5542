// SPDX-License-Identifier: Apache-2.0
// Which pixels of an item (a tile, a window) become samples, found while the item's blocks come by
// once, in any order and on any thread, so that an item need not fit into memory.
//
// Every position of an item has a key: a number mixed from the seed, the item's name and the
// position. What is drawn are the positions with the smallest keys. That is a simple random sample
// without replacement, and it depends neither on blocks and threads nor on which other items there
// are: a run of a few tiles draws the pixels that a run of all tiles draws in them.
//
// A position is a pixel, or the upper left pixel of a block that lies in the item as a whole.
// Pixels can be drawn where they are eligible: the caller leaves out what is masked, excluded or
// not valid.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learn/sample_table.h"

namespace geoloom::learn {

enum class DrawMethod {
  number,     // so many positions of the item
  fraction,   // that share of its positions; of labelled pixels, of each class
  per_class,  // so many pixels of each class
  grid,       // every stride-th row and column; nothing is random
};
std::string_view name(DrawMethod method);

struct DrawRule {
  DrawMethod method = DrawMethod::number;
  uint64_t seed = 42;
  int64_t block_height = 1, block_width = 1;
  uint64_t number = 0;  // of number, and of classes that per_class does not name
  double fraction = 0;  // of fraction, and of classes that it does not name
  // By class; with it, classes that are not named are not drawn unless number or fraction is > 0.
  std::map<int64_t, uint64_t> number_of_class;
  std::map<int64_t, double> fraction_of_class;
  int64_t stride_rows = 1, stride_columns = 1;  // of grid
  // No two samples of an item are nearer, in pixels from centre to centre: those of smaller keys
  // stay. 0: any distance.
  double min_distance_pixels = 0;
};
// Throws Error(invalid) for what cannot be meant: nothing to draw, shares outside of 0 .. 1,
// classes of blocks, strides below 1, sides of blocks outside of 1 .. 4096.
void check(const DrawRule& rule);

// A rectangle of the item. Every pixel of the item comes in one part.
struct ItemPart {
  int64_t x = 0, y = 0, width = 0, height = 0;  // in pixels of the item
  std::span<const uint8_t> eligible;            // per pixel, row by row; 0: not to be drawn
  std::span<const int64_t> classes;             // per pixel, or empty
  std::span<const double> numbers;              // per pixel, or empty
  // Writes the features of pixel `index` (row by row). Called on the thread that calls add().
  std::function<void(size_t index, std::span<float> to)> features_at;
};

// What was drawn of one item, by rising row and column.
struct DrawnSamples {
  std::vector<int64_t> x, y;  // of the (upper left) pixel, in the item
  std::vector<float> features;
  std::vector<int64_t> class_labels;
  std::vector<double> number_labels;
  std::vector<double> weight;  // available / drawn, of the sample's class where classes are drawn
  SamplingRecord record;       // without the period
  // Blocks that were not taken as a pixel of theirs was not eligible, and samples that were nearer
  // to another one than allowed.
  uint64_t incomplete = 0, too_near = 0;
  size_t rows() const { return x.size(); }
};

// Thread-safe. `label_type` says which of classes and numbers the parts have.
class PixelSampler {
 public:
  PixelSampler(const DrawRule& rule, const std::string& item, int64_t width, int64_t height,
               size_t features, LabelType label_type);
  PixelSampler(const PixelSampler&) = delete;
  PixelSampler& operator=(const PixelSampler&) = delete;
  ~PixelSampler();
  void add(const ItemPart& part);
  // Once, after all parts. A class of fewer pixels than asked for gives those it has. Of blocks
  // more are looked at than are asked for (kSpareBlocks times as many), in the order of their keys,
  // and the first ones that are eligible as a whole are taken; likewise of pixels with a minimum
  // distance (kSparePixels times as many).
  DrawnSamples finish();
  static constexpr uint64_t kSpareBlocks = 4, kSparePixels = 8;

  // What a sampler of this item may hold at most, roughly.
  static size_t memory_bytes(const DrawRule& rule, int64_t width, int64_t height, size_t features);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::learn
