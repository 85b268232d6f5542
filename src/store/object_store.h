// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace geoloom::store {

// s3://bucket/prefix through GDAL's /vsis3/, configured by the usual AWS_... variables.
std::unique_ptr<Store> open_object_store(const std::string& url);

}  // namespace geoloom::store
