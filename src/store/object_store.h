// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace geoloom::store {

// By its scheme: s3://, gs:// or az://.
bool is_object_store(const std::string& url);
// s3://bucket/prefix, gs://bucket/prefix or az://container/prefix through GDAL's virtual file
// systems, configured by the usual AWS_..., GS_... and AZURE_... variables; see
// docs/object-stores.md.
std::unique_ptr<Store> open_object_store(const std::string& url);

}  // namespace geoloom::store
