// SPDX-License-Identifier: Apache-2.0
// The tables of all items as one table.
#include <fmt/format.h>

#include "error/error.h"
#include "ops/export/profile.h"
#include "ops/sample/table_product.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "merge_samples",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "One table of samples of the tables of all items",
    .documentation =
        R"(Puts the tables that `sample` made for tiles or windows behind each other, in the order of the items, into one
table file. Columns have to be the same; classes of either are kept, and the numbers of pixels and of samples of each class are added up.
Columns beside features and labels (x and y, group, date, weight) stay where all tables have them.

What memory holds does not grow with the number of tables or samples. The table is an `.npz` that `numpy.load` reads, with
`meta.json` in it; `save_table` writes CSV and single arrays. The layer is named by `as:`, by default `<layer>_merged`.
It measures `rows` and `items`.)",
    .inputs = {},
    .outputs = {{"table", "all samples"}}};

class MergeSamples : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("layer", &layer_, "The layer of tables")
        .main()
        .required()
        .meaning(workflow::Meaning::layer);
    parameters.add("gaps", &gaps_, "What to do about items without a result")
        .choices({"refuse", "leave_out"});
  }

  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override { check_layer_name("merge_samples.as", layer_made()); }
  std::string layer_made() const override { return result_.empty() ? layer_ + "_merged" : result_; }
  std::vector<std::string> layers_read() const override { return {layer_}; }
  bool needs_grid() const override { return false; }

  workflow::LayerInfo plan(const workflow::Layers& layers) const override {
    const auto& info = layers.info(layer_);
    workflow::require_kind(info, workflow::LayerKind::table, "merge_samples.layer");
    workflow::LayerInfo made;
    made.name = layer_made();
    made.kind = workflow::LayerKind::table;
    made.table = info.table;
    made.metrics = table_metrics();
    return made;
  }

  size_t memory_bytes(const geo::Grid&) const override { return size_t{64} << 20; }

  workflow::Product run(const workflow::TaskContext& context) const override {
    const auto paths = tables_of_layer(
        layer_, gaps_ == "leave_out", "merge_samples: {gaps: leave_out} to go on without", context);
    const auto to = fmt::format("{}/{}.npz", context.scratch_folder, layer_made());
    const auto info = learn::merge_tables(paths, to);
    if (info.rows == 0 && context.notes != nullptr)
      context.notes->push_back("no item has a sample: the table is empty");
    return table_product(layer_made(), to, info);
  }

 private:
  std::string layer_, result_, gaps_ = "refuse";
};

}  // namespace

std::unique_ptr<workflow::Op> make_merge_samples() {
  return std::make_unique<MergeSamples>();
}

}  // namespace geoloom::ops
