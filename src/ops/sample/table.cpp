// SPDX-License-Identifier: Apache-2.0
// A table of samples from outside as a layer.
#include <fmt/format.h>

#include <filesystem>

#include "catalog/href.h"
#include "error/error.h"
#include "learn/npy_tables.h"
#include "learn/text_table.h"
#include "ops/class_names.h"
#include "ops/export/profile.h"
#include "ops/sample/table_product.h"
#include "workflow/ordered_map_parameter.h"

namespace geoloom::ops {
namespace {

const workflow::OpDescription kDescription{
    .name = "table",
    .kind = workflow::OpKind::task,
    .version = 1,
    .summary = "A table of samples from a file: CSV, text, NumPy",
    .documentation =
        R"(Reads a table that was made elsewhere, so that models can be trained on it. The ending says what it is:

- `.csv`, `.tsv`, `.txt`: the first line names the columns; `,` `;` or tab between them. A file that begins with `# ` has its names there and
  blanks between columns, as `numpy.savetxt` writes it.
- `.npy`: one or more arrays of features, rows first (`N x bands`, or `N x dates x bands`, dates first): what eo-grow merges. `label` and `item` are
  further files then. Columns are called after the file and their place in it, `FEATURES/0`, unless `names` says it.
- `.npz`: a table of Geoloom, taken as it is.

Parquet is not read: its library (Arrow) is in no package of Debian 12. In Python with pandas and pyarrow, `pandas.read_parquet("a.parquet").to_csv("a.csv", index=False)`.

**Features** are those that `features` names, in that order; without it all columns that hold nothing but numbers and are not named
otherwise or by `ignore`. An empty field, `nan`, `NA`, infinity and the number `missing` are missing values.

**Labels** are classes where all are whole numbers or texts, else numbers; `label_type` decides otherwise. Texts become codes 1, 2, ... in
their alphabetical order unless `classes` says which is which: `{1: wheat, 2: maize}`. **Groups** (of polygons, fields) keep samples together when the table is split; texts
will do. `coordinates` names a file of one `x y` per row beside the table.

The layer is named by `as:`, by default like the file. It measures `rows` and `items`.)",
    .inputs = {},
    .outputs = {{"table", "all rows"}}};

constexpr uint64_t kMostBytes = uint64_t{4} << 30;
// What is read when a workflow is planned, to know the columns; larger tables are read once.
constexpr uint64_t kPlannedBytes = uint64_t{64} << 20;

class Table : public workflow::TaskOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override;
  void set_result_name(const std::string& layer) override { result_ = layer; }
  void check() override;
  std::string layer_made() const override { return result_.empty() ? stem() : result_; }
  std::vector<std::string> layers_read() const override { return {}; }
  bool needs_grid() const override { return false; }
  std::vector<workflow::FileInput> files() const override;
  workflow::LayerInfo plan(const workflow::Layers& layers) const override;
  size_t memory_bytes(const geo::Grid&) const override;
  workflow::Product run(const workflow::TaskContext& context) const override;

 private:
  std::string stem() const {
    return std::filesystem::path(files_.empty() ? "table" : files_.front()).stem().string();
  }
  std::string extension() const {
    auto ending = std::filesystem::path(files_.front()).extension().string();
    for (auto& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return ending;
  }
  static std::string opened(const std::string& file, const std::string& scratch_folder) {
    const auto path = catalog::gdal_path(file);
    return scratch_folder.empty() ? path : local_file(path, scratch_folder);
  }
  std::optional<learn::LabelType> label_type() const;
  learn::SampleTable read(const std::string& scratch_folder, uint64_t limit_bytes) const;
  learn::SampleTable read_arrays(const std::string& scratch_folder, uint64_t limit_bytes) const;

  std::vector<std::string> files_;
  learn::TextColumns columns_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> classes_;
  std::string label_type_, coordinates_, result_;
};

void Table::declare(workflow::Parameters& parameters) {
  parameters.add("file", &files_, "The file; of `.npy` several may be listed, side by side")
      .main()
      .required()
      .meaning(workflow::Meaning::path);
  parameters.add("features", &columns_.features, "Columns that are features. Default: all numbers");
  parameters.add("ignore", &columns_.ignore, "Columns that are nothing");
  parameters.add("names", &names_, "Of `.npy`: names of all columns");
  parameters.add("label", &columns_.label, "Column of labels; of `.npy` a file");
  parameters.add("label_type", &label_type_, "What labels are. Default: what they look like")
      .choices({"classes", "number"});
  parameters.add("classes", &classes_, "Names of classes: {1: crop, 0: other}");
  parameters.add("x", &columns_.x, "Column of coordinates to the east, or longitudes");
  parameters.add("y", &columns_.y, "Column of coordinates to the north, or latitudes");
  parameters.add("crs", &columns_.crs, "Of x and y, as EPSG:4326");
  parameters.add("coordinates", &coordinates_, "A text file of one `x y` per row instead")
      .meaning(workflow::Meaning::path);
  parameters.add("date", &columns_.date, "Column of dates, 2019-04-14");
  parameters.add("group", &columns_.group, "Column of what belongs together");
  parameters.add("weight", &columns_.weight, "Column of weights");
  parameters.add("item", &columns_.item, "Column of names of tiles; of `.npy` a file of numbers");
  parameters.add("missing", &columns_.missing, "This number is a missing value");
}

void Table::check() {
  check_layer_name("table.as", layer_made());
  if (files_.empty()) throw Error(ErrorCode::invalid, "table.file: no file is named");
  const auto ending = extension();
  if (ending == ".parquet")
    throw Error(ErrorCode::invalid,
                fmt::format("table.file: '{}' is Parquet, which is not read", files_.front()))
        .hint(fmt::format("make it a CSV in Python with pandas and pyarrow: "
                          "pandas.read_parquet('{}').to_csv('{}', index=False)",
                          files_.front(),
                          std::filesystem::path(files_.front()).replace_extension("csv").string()));
  const std::vector<std::string> known{".csv", ".tsv", ".txt", ".npy", ".npz"};
  if (std::find(known.begin(), known.end(), ending) == known.end())
    throw Error(ErrorCode::invalid, fmt::format("table.file: '{}' is no kind of table", ending))
        .hint("known: .csv .tsv .txt .npy .npz");
  if (files_.size() > 1 && ending != ".npy")
    throw Error(ErrorCode::invalid, "table.file: only arrays (.npy) are read side by side")
        .hint("read each file in an op of its own");
  const ClassNames names(classes_, "table.classes");
  for (const auto& [code, name] : names.by_value()) columns_.classes.push_back({code, name});
  columns_.label_type = label_type();
}

std::optional<learn::LabelType> Table::label_type() const {
  if (label_type_.empty()) return std::nullopt;
  return label_type_ == "number" ? learn::LabelType::number : learn::LabelType::classes;
}

std::vector<workflow::FileInput> Table::files() const {
  std::vector<workflow::FileInput> inputs;
  for (const auto& file : files_) inputs.push_back({.path = file, .by_reference = true});
  if (!coordinates_.empty()) inputs.push_back({.path = coordinates_, .by_reference = true});
  if (extension() == ".npy") {
    for (const auto* file : {&columns_.label, &columns_.item})
      if (!file->empty()) inputs.push_back({.path = *file, .by_reference = true});
  }
  return inputs;
}

learn::SampleTable Table::read_arrays(const std::string& scratch_folder,
                                      uint64_t limit_bytes) const {
  learn::NpyTables tables;
  for (const auto& file : files_) tables.features.push_back(opened(file, scratch_folder));
  tables.names = names_;
  tables.label_type = columns_.label_type.value_or(learn::LabelType::number);
  if (!columns_.label.empty()) {
    tables.label = opened(columns_.label, scratch_folder);
    tables.label_name = std::filesystem::path(columns_.label).stem().string();
  }
  if (!columns_.item.empty()) tables.item = opened(columns_.item, scratch_folder);
  return learn::read_npy_tables(tables, limit_bytes);
}

learn::SampleTable Table::read(const std::string& scratch_folder, uint64_t limit_bytes) const {
  auto table =
      extension() == ".npy"
          ? read_arrays(scratch_folder, limit_bytes)
          : learn::read_text_table(opened(files_.front(), scratch_folder), columns_, limit_bytes);
  table.items.front() = table.items.size() == 1 ? stem() : table.items.front();
  if (!coordinates_.empty())
    learn::read_text_locations(opened(coordinates_, scratch_folder), columns_.crs, table);
  return table;
}

workflow::LayerInfo Table::plan(const workflow::Layers& /*layers*/) const {
  workflow::LayerInfo made;
  made.name = layer_made();
  made.kind = workflow::LayerKind::table;
  made.metrics = table_metrics();
  std::error_code unreadable;
  const auto bytes = std::filesystem::file_size(files_.front(), unreadable);
  // Columns are known before anything runs where the file is at hand; a worker may not have it.
  if (unreadable || bytes > kPlannedBytes) return made;
  made.table = std::make_shared<const learn::TableSchema>(
      extension() == ".npz" ? learn::describe_table(files_.front()).schema
                            : read("", kMostBytes).schema);
  return made;
}

size_t Table::memory_bytes(const geo::Grid&) const {
  std::error_code unreadable;
  uint64_t bytes = 0;
  for (const auto& file : files_)
    if (const auto size = std::filesystem::file_size(file, unreadable); !unreadable) bytes += size;
  return std::min<uint64_t>(kMostBytes, 2 * bytes + (uint64_t{64} << 20));
}

workflow::Product Table::run(const workflow::TaskContext& context) const {
  const auto to = fmt::format("{}/{}.npz", context.scratch_folder, layer_made());
  if (extension() == ".npz")
    return table_product(layer_made(), to,
                         learn::merge_tables({opened(files_.front(), context.scratch_folder)}, to));
  learn::write_table(to, read(context.scratch_folder, kMostBytes));
  return table_product(layer_made(), to, learn::describe_table(to));
}

}  // namespace

std::unique_ptr<workflow::Op> make_table() {
  return std::make_unique<Table>();
}

}  // namespace geoloom::ops
