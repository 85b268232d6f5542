// SPDX-License-Identifier: Apache-2.0
// Bands computed from bands by expressions, on physical values (stored * scale + offset): what the
// ops `expr` and `index` have in common.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kernels/expression.h"
#include "raster/cube.h"
#include "workflow/op.h"

namespace geoloom::ops {

// Name and text, in the order of the document, which is that of the bands they make.
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// One band that is made.
struct DerivedBand {
  std::string name;
  kernels::Expression expression;
  // By name of the expression: a band of the input, or, from their number on, a band made before.
  std::vector<size_t> operands;
  std::string unit;
  bool finite_only = false;  // infinite results are invalid
};

// Throws Error(invalid) that shows where the text is wrong; `where` is what messages call it.
kernels::Expression parsed_expression(const std::string& text, const std::string& where);

// The bands of the input that stay, and those that are made.
class BandExpressions {
 public:
  // `kept`: names of bands of the input, or "all". Throws Error(invalid) for unknown ones and for
  // names used twice; `op` is what messages call it.
  BandExpressions(const raster::CubeSchema& input, const std::vector<std::string>& kept,
                  std::vector<DerivedBand> made, const std::string& op);

  raster::CubeSchema output(const raster::CubeSchema& input) const;
  size_t scratch_bytes_per_pixel() const;
  // All slices of the blocks.
  void run(const workflow::BlockCall& call) const;

  // The samples of one band for some pixels: of the input, converted; of a band that was made, in
  // place.
  struct Row {
    std::vector<float> memory;
    const float* value = nullptr;
    const uint8_t* valid = nullptr;
  };

 private:
  void run_slice(const workflow::BlockCall& call, size_t slice) const;
  void make(size_t made, std::vector<Row>& rows, size_t first, size_t count, size_t slice,
            raster::Block& out) const;
  std::vector<size_t> kept_;  // bands of the input
  std::vector<DerivedBand> made_;
  std::vector<size_t> read_;  // bands of the input that expressions name, ascending
  size_t input_bands_;
};

// Made once for each list of bands, and used by all blocks of a worker.
class PreparedExpressions : public workflow::Prepared {
 public:
  using Make = std::function<BandExpressions(const raster::CubeSchema&)>;
  explicit PreparedExpressions(Make make) : make_(std::move(make)) {}
  const BandExpressions& of(const raster::CubeSchema& input) const;

 private:
  struct Entry {
    std::vector<raster::Band> bands;
    std::unique_ptr<const BandExpressions> expressions;
  };
  const Make make_;
  mutable std::mutex mutex_;
  mutable std::vector<Entry> entries_;
};

}  // namespace geoloom::ops
