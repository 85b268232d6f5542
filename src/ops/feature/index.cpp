// SPDX-License-Identifier: Apache-2.0
// Spectral indices by name, and normalised differences of pairs of bands.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "error/error.h"
#include "error/spelling.h"
#include "ops/feature/band_expressions.h"
#include "ops/feature/index_bands.h"
#include "ops/feature/index_catalogue.h"
#include "workflow/op.h"
#include "workflow/ordered_map_parameter.h"

namespace geoloom::ops {
namespace {

using raster::CubeSchema;

const workflow::OpDescription kDescription{
    .name = "index",
    .kind = workflow::OpKind::block,
    .version = 1,
    .summary = "Spectral indices by name: NDVI, EVI, NDWI and the others of the catalogue",
    .documentation = R"(`index: [NDVI, EVI]` computes indices of the catalogue of
[Awesome Spectral Indices](https://github.com/awesome-spectral-indices/awesome-spectral-indices), date by date;
`geoloom indices` lists them with formulas and references. `normalised_differences: {ndwi: [B03, B08]}` computes
(a - b) / (a + b) of pairs of bands.

**Bands.** Formulas are written with letters: B, G, R, N, S1, RE1 ... Which band is which is found by the
letter, by common names (`nir`, `swir16`, `red_edge_1`), or by the names of the sensor (`B08`, `SR_B5`); where
sensors disagree, say `sensor: sentinel-2-l2a`. `bands: {N: B8A}` chooses. Where there is no `nir`, `nir08` is N,
as on Landsat.

**Constants** such as L of SAVI have the catalogue's defaults; `constants: {L: 0.5}` changes them. Central
wavelengths (`lambdaR`) are those of the sensor. Kernel indices (kNDVI) take `kernel: rbf` with `sigma` 0.5,
`linear`, or `polynomial` with `c` and `p`.

**Values** are physical (stored * scale + offset), as the formulas expect: reflectance from 0 to 1; for radar
indices linear power, not dB. They are computed in float32, so unsigned types do not wrap.

**Invalid pixels.** An index is invalid where a band of its formula is, and where it is not finite: where it
divides by zero. Each has its own valid pixels. The bands of the result have the names as they are written here.)",
    .inputs = {{"values", "bands in physical values, over time or not"}},
    .outputs = {{"indices", "the bands kept, then the indices, then the normalised differences"}}};

// As a letter of a formula: all that is no word stands in quotes.
std::string quoted(const std::string& band) {
  return "\"" + band + "\"";
}

class Index : public BandExpressionOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }
  void declare(workflow::Parameters& parameters) override;
  void check() override;

 protected:
  BandExpressions expressions(const CubeSchema& input) const override;

 private:
  IndexKernel kernel() const;
  double constant(const std::string& letter, const IndexBands& bands,
                  const std::string& index) const;
  DerivedBand derived(const std::string& name, const CubeSchema& input,
                      const IndexBands& bands) const;
  [[noreturn]] void refuse(const std::string& name, const std::vector<std::string>& missing,
                           const CubeSchema& input, const IndexBands& bands) const;

  std::vector<std::string> names_;
  std::vector<std::pair<std::string, std::vector<std::string>>> differences_;
  std::map<std::string, std::string> bands_;
  std::map<std::string, double> constants_;
  std::string sensor_;
  std::string kernel_ = "rbf";
  std::vector<std::string> keep_;
};

void Index::declare(workflow::Parameters& parameters) {
  parameters.add("names", &names_, "Indices of the catalogue, in any case: NDVI, evi").main();
  parameters.add("normalised_differences", &differences_,
                 "(a - b) / (a + b) of two bands, by the name of the result: {ndwi: [B03, B08]}");
  parameters.add("bands", &bands_, "Which band a letter of the formulas is: {N: B8A}");
  parameters.add("sensor", &sensor_,
                 "Whose names the bands have. Default: found out from the names");
  parameters.add("constants", &constants_, "Other values of constants: {L: 0.5}");
  parameters.add("kernel", &kernel_, "Of kernel indices").choices({"rbf", "linear", "polynomial"});
  parameters.add("keep", &keep_, "Bands of the input that come first in the result, or `all`");
}

void Index::check() {
  if (names_.empty() && differences_.empty())
    throw Error(ErrorCode::invalid, "index: names no index").hint("index: [NDVI, NDWI]");
  const auto& catalogue = IndexCatalogue::get();
  for (const auto& name : names_) {
    if (catalogue.find(name) != nullptr) continue;
    std::vector<std::string> known;
    for (const auto& index : catalogue.indices()) known.push_back(index.name);
    const auto near = nearest_spelling(name, known);
    throw Error(ErrorCode::invalid, fmt::format("index: there is no index '{}'", name))
        .hint((near.empty() ? "" : fmt::format("did you mean '{}'? ", near)) +
              "`geoloom indices` lists them; op `expr` computes any formula");
  }
  for (const auto& [name, pair] : differences_)
    if (pair.size() != 2)
      throw Error(ErrorCode::invalid,
                  fmt::format("index.normalised_differences.{}: needs two bands, got {}", name,
                              pair.size()));
  for (const auto& [letter, band] : bands_) {
    if (catalogue.bands().contains(letter) || letter.size() == 2) continue;
    std::vector<std::string> known;
    for (const auto& each : catalogue.bands()) known.push_back(each.first);
    throw Error(ErrorCode::invalid,
                fmt::format("index.bands: '{}' is no letter of formulas", letter))
        .hint(fmt::format("known: {}, and VV, VH, HH, HV", fmt::join(known, ", ")));
  }
  for (const auto& [letter, value] : constants_) {
    if (catalogue.constants().contains(letter)) continue;
    std::vector<std::string> known;
    for (const auto& each : catalogue.constants()) known.push_back(each.first);
    throw Error(ErrorCode::invalid,
                fmt::format("index.constants: there is no constant '{}'", letter))
        .hint(spelling_hint(letter, known));
  }
}

IndexKernel Index::kernel() const {
  return kernel_ == "linear"       ? IndexKernel::linear
         : kernel_ == "polynomial" ? IndexKernel::polynomial
                                   : IndexKernel::rbf;
}

double Index::constant(const std::string& letter, const IndexBands& bands,
                       const std::string& index) const {
  if (const auto given = constants_.find(letter); given != constants_.end()) return given->second;
  const auto& known = IndexCatalogue::get().constants().at(letter);
  if (known.value) return *known.value;
  if (letter.starts_with("lambda"))
    if (const auto wavelength = bands.wavelength_nm(letter.substr(6))) return *wavelength;
  throw Error(ErrorCode::invalid,
              fmt::format("index: {} needs the constant {}: {}", index, letter, known.title))
      .hint(fmt::format("constants: {{{}: ...}}", letter));
}

// Says which bands are missing, and what can be computed instead.
void Index::refuse(const std::string& name, const std::vector<std::string>& missing,
                   const CubeSchema& input, const IndexBands& bands) const {
  const auto& catalogue = IndexCatalogue::get();
  std::vector<std::string> wanted, possible;
  for (const auto& letter : missing) {
    const auto found = catalogue.bands().find(letter);
    wanted.push_back(found == catalogue.bands().end()
                         ? letter
                         : fmt::format("{} ({})", letter, found->second.common_name));
  }
  for (const auto& index : catalogue.indices()) {
    const auto letters = catalogue.letters(index);
    if (std::all_of(letters.begin(), letters.end(),
                    [&](const auto& letter) { return bands.find(letter).has_value(); }))
      possible.push_back(index.name);
  }
  throw Error(ErrorCode::invalid,
              fmt::format("index: {} needs {}, which is none of the bands {}", name,
                          fmt::join(wanted, ", "), fmt::join(input.band_names(), ", ")))
      .hint(fmt::format(
          "load that band, say which it is with bands: {{{}: ...}} or sensor; {}", missing.front(),
          possible.empty() ? std::string("no index of the catalogue is possible with these")
                           : fmt::format("possible with these: {}", fmt::join(possible, ", "))));
}

DerivedBand Index::derived(const std::string& name, const CubeSchema& input,
                           const IndexBands& bands) const {
  const auto& catalogue = IndexCatalogue::get();
  const SpectralIndex& index = *catalogue.find(name);
  const auto formula = catalogue.formula(index, kernel());
  const auto names = kernels::Expression::parse(formula).names();
  std::map<std::string, std::string> text_for;
  std::vector<std::string> missing;
  for (const auto& letter : names) {
    if (catalogue.constants().contains(letter))
      text_for[letter] = fmt::format("({})", constant(letter, bands, name));
    else if (const auto band = bands.find(letter))
      text_for[letter] = quoted(input.bands[*band].name);
    else
      missing.push_back(letter);
  }
  if (!missing.empty()) refuse(name, missing, input, bands);
  auto expression = parsed_expression(with_names_replaced(formula, text_for), "index " + name);
  std::vector<size_t> operands;
  for (const auto& band : expression.names())
    operands.push_back(static_cast<size_t>(input.band_index(band)));
  return {name, std::move(expression), std::move(operands), {}, true};
}

BandExpressions Index::expressions(const CubeSchema& input) const {
  const IndexBands bands(input, bands_, sensor_, "index");
  std::vector<DerivedBand> made;
  for (const auto& name : names_) made.push_back(derived(name, input, bands));
  for (const auto& [name, pair] : differences_) {
    std::vector<size_t> operands;
    for (const auto& band : pair) operands.push_back(static_cast<size_t>(input.band_index(band)));
    auto expression = kernels::Expression::parse("normalized_difference(a, b)");
    if (operands[0] == operands[1])
      throw Error(ErrorCode::invalid,
                  fmt::format("index.normalised_differences.{}: '{}' and itself differ nowhere",
                              name, pair[0]));
    made.push_back({name, std::move(expression), std::move(operands), {}, true});
  }
  for (const auto& each : made)
    for (const size_t band : each.operands)
      if (input.bands[band].kind == raster::BandKind::category)
        throw Error(ErrorCode::invalid,
                    fmt::format("index: {} is computed from '{}', which holds classes", each.name,
                                input.bands[band].name));
  return {input, keep_, std::move(made), "index"};
}

}  // namespace

std::unique_ptr<workflow::Op> make_index() {
  return std::make_unique<Index>();
}

}  // namespace geoloom::ops
