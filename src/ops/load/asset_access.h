// SPDX-License-Identifier: Apache-2.0
// How the images of a source are asked for: signed addresses, headers.
#pragma once

#include <memory>
#include <vector>

#include "catalog/scene.h"
#include "gdal/web_access.h"
#include "workflow/source_parameters.h"

namespace geoloom::ops {

// Null where images answer to their plain addresses. Signed addresses are used for ten minutes at
// most, or until a minute before the endpoint says that they end; one that is refused is made anew.
std::shared_ptr<const gdal::WebAccess> asset_access(const workflow::SourceParameters& source);

// Rules for all images of scenes, by the source each is from; hold while they live.
using AccessRules = std::vector<std::unique_ptr<gdal::WebAccessRule>>;
AccessRules access_rules(const std::vector<workflow::SourceParameters>& sources,
                         const std::vector<const catalog::Scene*>& scenes);

}  // namespace geoloom::ops
