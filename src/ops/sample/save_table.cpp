// SPDX-License-Identifier: Apache-2.0
// Tables of samples for other programs: CSV, and single arrays as eo-grow has them.
#include <fmt/format.h>

#include <filesystem>

#include "error/error.h"
#include "learn/npy_tables.h"
#include "learn/text_table.h"
#include "ops/export/profile.h"
#include "ops/sample/table_product.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "save_table",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "A table of samples as CSV or as a NumPy array, for other programs",
    .documentation =
        R"(Tables are `.npz` files, which `numpy.load` opens. This writes one for programs that want something else:

- `csv`: a line per sample: label, place, item, date, group, weight, fold, then the features; numbers in the fewest digits that give them back, nothing
  where a value is missing. Not for blocks of more than one pixel.
- `npy`: one column as an array, by default `features` (`N x bands`; with `steps`, `N x steps x bands`; blocks `N x height x width x bands`); `label` is
  `N x 1`, `item`, `x`, `y` and others `N`. Three of these are what eo-grow's merged samples are: features, reference and the number of the patch.

```yaml
- save_table: {layer: samples, format: npy, column: features, as: features}
- save_table: {layer: samples, format: npy, column: label, as: reference}
```

The layer is named by `as:`, by default `<layer>_<format>`. Other ops read the table itself, not these files.)",
    .inputs = {},
    .outputs = {{"file", "CSV or .npy"}}};

class SaveTable : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The table: a layer of one file")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("format", &format_, "What to write").choices({"csv", "npy"});
    parameters.add("column", &column_, "Of `npy`: which column")
        .choices({"features", "label", "x", "y", "item", "date", "group", "weight", "fold"});
    parameters
        .add("steps", &steps_, "Of `npy`: features are so many steps of time, one after another")
        .range(1, 1e6);
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override { check_layer_name("save_table.as", layer_made()); }
  std::string layer_made() const override {
    return result_.empty() ? layer_ + "_" + format_ : result_;
  }
  std::vector<std::string> layers_read() const override { return {layer_}; }
  bool needs_grid() const override { return false; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(layer_);
    workflow::require_kind(info, workflow::LayerKind::table, "save_table.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    // For people and other programs: no op reads it.
    made.kind = workflow::LayerKind::page;
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override { return size_t{64} << 20; }

  workflow::Product run(const workflow::TaskContext& context) const override {
    const auto paths = tables_of_layer(layer_, false, "merge_samples first", context);
    if (paths.size() != 1)
      throw Error(ErrorCode::invalid,
                  fmt::format("save_table.layer: '{}' has {} tables", layer_, paths.size()))
          .hint("put them together with merge_samples first");
    workflow::Product product;
    product.extension = "." + format_;
    product.media_type = format_ == "csv" ? "text/csv" : "application/octet-stream";
    const auto to = fmt::format("{}/{}{}", context.scratch_folder, layer_made(), product.extension);
    if (format_ == "csv")
      learn::write_csv(paths.front(), to);
    else
      learn::write_npy_column(paths.front(), column_, static_cast<uint64_t>(steps_), to);
    auto described = table_product(layer_made(), to, {});
    described.extension = product.extension;
    described.media_type = product.media_type;
    described.metrics.reset();
    return described;
  }

 private:
  std::string layer_, result_, format_ = "csv", column_ = "features";
  int64_t steps_ = 1;
};

}  // namespace

std::unique_ptr<workflow::Op> make_save_table() {
  return std::make_unique<SaveTable>();
}

}  // namespace geoloom::ops
