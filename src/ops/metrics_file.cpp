// SPDX-License-Identifier: Apache-2.0
#include "ops/metrics_file.h"

#include <fmt/format.h>

#include <fstream>

#include "store/checksum.h"

namespace geoloom::ops {

workflow::Product metrics_product(const std::string& layer, workflow::Metrics metrics,
                                  const workflow::TaskContext& context) {
  const auto text = workflow::to_json(metrics).dump(1) + "\n";
  workflow::Product product;
  product.layer = layer;
  product.scratch_path = fmt::format("{}/{}.json", context.scratch_folder, layer);
  product.extension = ".json";
  product.media_type = "application/json";
  std::ofstream file(product.scratch_path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    throw Error(ErrorCode::resource, fmt::format("cannot write {}", product.scratch_path))
        .hint("is the disk full?");
  product.summary.path = product.scratch_path;
  product.summary.sha256 = store::sha256_hex(text);
  // What was measured is what the file means: who reads it is made again when it changes.
  product.summary.pixel_hash = product.summary.sha256;
  product.summary.bytes = static_cast<int64_t>(text.size());
  product.metrics = std::move(metrics);
  product.grid = context.grid;
  return product;
}

}  // namespace geoloom::ops
