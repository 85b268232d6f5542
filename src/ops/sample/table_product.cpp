// SPDX-License-Identifier: Apache-2.0
#include "ops/sample/table_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "error/error.h"
#include "gdal/dataset.h"
#include "gdal/random_access_file.h"
#include "ops/layer_gaps.h"
#include "store/checksum.h"

namespace geoloom::ops {
namespace {

constexpr const char* kMediaType = "application/zip";
constexpr size_t kPieceBytes = size_t{4} << 20;

}  // namespace

std::vector<workflow::MetricDeclaration> table_metrics() {
  return {{"rows", workflow::ScalarType::integer, "", "samples in the table"},
          {"items", workflow::ScalarType::integer, "", "tiles or files that they are of"}};
}

workflow::Product table_product(const std::string& layer, const std::string& path,
                                const learn::TableInfo& info) {
  workflow::Product product;
  product.layer = layer;
  product.scratch_path = path;
  product.extension = ".npz";
  product.media_type = kMediaType;
  product.summary.path = path;
  product.summary.sha256 = store::sha256_hex_of_file(path);
  if (const auto status = gdal::file_status(path)) product.summary.bytes = status->size;
  workflow::Metrics metrics;
  const auto declared = table_metrics();
  metrics.set(declared[0], {static_cast<int64_t>(info.rows)});
  metrics.set(declared[1], {static_cast<int64_t>(info.items.size())});
  product.metrics = std::move(metrics);
  return product;
}

std::string local_file(const std::string& path, const std::string& scratch_folder) {
  if (!path.starts_with("/vsi")) return path;
  const auto file = gdal::RandomAccessFile::open(path);
  const auto copy = fmt::format("{}/{}{}", scratch_folder, store::sha256_hex(path).substr(0, 16),
                                path.substr(std::min(path.size(), path.rfind('.'))));
  std::ofstream to(copy, std::ios::binary);
  std::vector<std::byte> piece(std::min<uint64_t>(kPieceBytes, file.size()));
  for (uint64_t done = 0; done < file.size();) {
    const size_t bytes = std::min<uint64_t>(piece.size(), file.size() - done);
    const gdal::ByteRange range{done, bytes, piece.data()};
    file.read(std::span(&range, 1));
    to.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(bytes));
    done += bytes;
  }
  to.close();
  if (!to)
    throw Error(ErrorCode::resource, fmt::format("cannot write {}", copy))
        .hint("is the disk full?");
  return copy;
}

std::vector<std::string> tables_of_layer(const std::string& layer, bool leave_gaps_out,
                                         const std::string& remedy,
                                         const workflow::TaskContext& context) {
  std::vector<std::string> paths;
  LayerGaps gaps(layer);
  for (const auto& entry : context.layers->files(layer, context.item)) {
    gaps.add(entry);
    if (entry.file && !entry.file->empty)
      paths.push_back(local_file(entry.file->path, context.scratch_folder));
  }
  if (!leave_gaps_out) gaps.refuse(remedy);
  gaps.note("left out", context);
  if (paths.empty())
    throw Error(ErrorCode::empty, fmt::format("the layer '{}' has no table", layer));
  return paths;
}

}  // namespace geoloom::ops
