// SPDX-License-Identifier: Apache-2.0
// Bands computed from bands by expressions, on physical values (stored * scale + offset): what the
// ops `expr` and `index` have in common.
#pragma once

#include <memory>
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
  std::vector<workflow::BandOrigin> origins() const;
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

// An op whose results are expressions over the bands of its one input, date by date.
class BandExpressionOp : public workflow::BlockOp {
 public:
  workflow::BlockPlan plan(std::span<const raster::CubeSchema* const> inputs) const final;
  std::shared_ptr<const workflow::Prepared> prepare(
      std::span<const workflow::FileContent> contents) const final;
  void run(const workflow::BlockCall& call) const final;

 protected:
  // What is made of such an input. Throws Error(invalid) where that is not possible.
  virtual BandExpressions expressions(const raster::CubeSchema& input) const = 0;
};

}  // namespace geoloom::ops
