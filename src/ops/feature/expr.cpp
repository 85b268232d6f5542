// SPDX-License-Identifier: Apache-2.0
// Bands by formulas: arithmetic, conditions and functions of bands, pixel by pixel.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/feature/band_expressions.h"
#include "workflow/op.h"
#include "workflow/ordered_map_parameter.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

std::string functions_table() {
  std::string text = "| function | gives |\n|---|---|\n";
  for (const auto& function : kernels::kExpressionFunctions)
    text += fmt::format("| `{}` | {} |\n", function.name, function.help);
  return text;
}

const workflow::OpDescription kDescription{
    .name = "expr",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Bands by formulas over bands",
    .documentation =
        R"doc(Computes bands from bands, pixel by pixel and date by date: `bands: {ndvi: "(nir - red) / (nir + red)"}`.
A formula sees the bands of the input and those made before it, by name; names that are no words stand in double
quotes, as `"8A"`.

**Values** are physical: stored * scale + offset. Arithmetic is in float32 and that of IEEE 754, step by step, so
results are the same on every machine; functions such as `ln` are computed in double and rounded.

**Operators**, the weakest first: `or`, `xor`, `and`, `not`, comparisons (`<  <=  >  >=  ==  !=`, not chained),
`+ -`, `* / %`, the sign `-`, and `^` or `**`. `%` has the sign of the divisor.

)doc" + functions_table() +
        R"doc(
**Invalid pixels** follow the openEO processes of the same names. What is made of an invalid sample is invalid, but
`min` and `max` leave it out, `false and invalid` is false, `true or invalid` is true, `if` takes its last
argument, and `is_valid` tells. So `if(is_valid(a), a, b)` fills the gaps of one band with another.

**Results.** Numbers become float32. `x / 0` is infinite and stays so, as in openEO; a result that is not a number,
such as 0 / 0, is invalid. A condition becomes a band of classes, 1 and 0, of uint8. Each band has its own valid
pixels. `index` computes spectral indices by name; there what is not finite is invalid.)doc",
    .inputs = {{"values", "any bands, over time or not"}},
    .outputs = {{"results", "the bands kept, then those computed, in the order of the document"}}};

class Expr : public BandExpressionOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;

 protected:
  BandExpressions expressions(const CubeSchema& input) const override;

 private:
  std::vector<size_t> operands(const kernels::Expression& expression, const CubeSchema& input,
                               size_t made, const std::string& where) const;

  std::optional<std::string> formula_;
  std::string name_ = "result";
  NamedTexts bands_;
  std::vector<std::string> keep_;
  NamedTexts texts_;  // both ways to say them
  std::vector<kernels::Expression> parsed_;
};

void Expr::declare(workflow::Parameters& parameters) {
  parameters.add("formula", &formula_, "One formula; its band is called `name`").main();
  parameters.add("name", &name_, "Name of the band that `formula` makes");
  parameters.add("bands", &bands_, "Formulas by the names of the bands they make, in their order");
  parameters.add("keep", &keep_, "Bands of the input that come first in the result, or `all`");
}

void Expr::check() {
  if (formula_.has_value() != bands_.empty())
    throw Error(ErrorCode::invalid, "expr: needs either `formula` or `bands`")
        .hint("expr: {bands: {ndvi: \"(nir - red) / (nir + red)\"}}");
  texts_ = formula_ ? NamedTexts{{name_, *formula_}} : bands_;
  for (const auto& [name, text] : texts_)
    parsed_.push_back(parsed_expression(text, formula_ ? "expr.formula" : "expr.bands." + name));
}

std::vector<size_t> Expr::operands(const kernels::Expression& expression, const CubeSchema& input,
                                   size_t made, const std::string& where) const {
  std::vector<size_t> out;
  for (const auto& name : expression.names()) {
    const int band = input.find_band(name);
    const auto end = texts_.begin() + static_cast<std::ptrdiff_t>(made);
    const auto before =
        std::find_if(texts_.begin(), end, [&](const auto& each) { return each.first == name; });
    if (before != end) {
      out.push_back(input.bands.size() + static_cast<size_t>(before - texts_.begin()));
    } else if (band >= 0) {
      out.push_back(static_cast<size_t>(band));
    } else {
      auto known = input.band_names();
      for (auto each = texts_.begin(); each != end; ++each) known.push_back(each->first);
      throw Error(ErrorCode::invalid, fmt::format("{}: there is no band '{}'", where, name))
          .hint(spelling_hint(name, known));
    }
  }
  return out;
}

BandExpressions Expr::expressions(const CubeSchema& input) const {
  std::vector<DerivedBand> made;
  for (size_t i = 0; i < texts_.size(); ++i) {
    const auto where = formula_ ? std::string("expr.formula") : "expr.bands." + texts_[i].first;
    made.push_back({texts_[i].first, parsed_[i], operands(parsed_[i], input, i, where), {}, false});
  }
  return {input, keep_, std::move(made), "expr"};
}

}  // namespace

std::unique_ptr<workflow::Op> make_expr() {
  return std::make_unique<Expr>();
}

}  // namespace geoloom::ops
