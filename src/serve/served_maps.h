// SPDX-License-Identifier: Apache-2.0
// Maps by HTTP: what there is, tiles as PNG, values at a place, TileJSON and WMTS. The paths and
// parameters are a table in docs/maps.md.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "raster/asset_pool.h"
#include "render/map.h"
#include "serve/resource.h"

namespace geoloom::serve {

// A map under the name that is part of its address.
struct NamedMap {
  std::string name;
  std::shared_ptr<const render::Map> map;
};

class ServedMaps : public Resource {
 public:
  // `public_url` is what clients are told to come back to, without '/' at its end; empty: what they
  // say themselves, in the header Host. Throws Error(invalid) for names that are no plain part of
  // an address, and where two are the same.
  ServedMaps(std::vector<NamedMap> maps, std::string public_url);

  bool serves(const std::string& path) const override;
  http::Answer get(const http::IncomingRequest& request) const override;

 private:
  const NamedMap& find(const std::string& name) const;
  http::Answer list(const std::string& base) const;
  http::Answer description(const NamedMap& map, const std::string& base) const;
  http::Answer tile_json(const NamedMap& map, const http::IncomingRequest& request,
                         const std::string& base) const;
  // `address` is "z/x/y.png".
  http::Answer tile(const NamedMap& map, const std::string& address, const std::string& query,
                    const http::IncomingRequest& request) const;
  http::Answer values(const NamedMap& map, const http::IncomingRequest& request) const;
  http::Answer wmts(const http::IncomingRequest& request, const std::string& base) const;
  std::string base_of(const http::IncomingRequest& request) const;

  std::map<std::string, NamedMap> maps_;
  const std::string public_url_;
};

// The capabilities document of OGC 07-057r7 (WMTS 1.0.0): the layers by their names, in Google's
// tile matrix set.
std::string wmts_capabilities(const std::map<std::string, NamedMap>& maps, const std::string& base);

}  // namespace geoloom::serve
