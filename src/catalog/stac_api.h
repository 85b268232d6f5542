// SPDX-License-Identifier: Apache-2.0
// Searching STAC APIs (1.0): which items there are, page by page.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/archive_client.h"
#include "catalog/json_document.h"
#include "catalog/property_filter.h"
#include "geo/grid.h"
#include "geo/time.h"

namespace geoloom::catalog {

struct StacSearch {
  std::vector<std::string> collections;  // empty: all
  std::optional<geo::Period> period;     // half-open; the server is asked for [start, end - 1 ms]
  // Longitude and latitude; min_x above max_x reaches over the antimeridian.
  std::optional<geo::Box> bbox;
  std::optional<nlohmann::json> intersects;  // a GeoJSON geometry, instead of bbox
  // Sent where the server filters as we do, and never relied on: who receives items checks them.
  std::vector<PropertyCondition> where;
  size_t page_items = 250;      // what is asked for; servers may send fewer
  size_t most_items = 100'000;  // more than that is Error(resource)
};

struct StacSearchReport {
  std::optional<size_t> matched;  // before `where`, where the server tells
  bool filtered_on_server = false;
  size_t items = 0;  // that came
  size_t pages = 0;
  std::vector<std::string> notes;
};

// One server. The landing page is read once, when it is made.
class StacApi {
 public:
  // `url` is that of the landing page; with or without '/' at the end, or ending in /search. Throws
  // as ArchiveClient does, and Error(invalid) when it is no STAC API.
  StacApi(const std::string& url, ArchiveClient& client);

  // Calls `take` for each item, in the order of the server, with the address that relative hrefs
  // refer to. Pages are asked for by POST where the server offers that, else by GET; `next` links
  // are followed to the word. The next page comes and is parsed while items are taken; an item is
  // good for the call only. Throws as ArchiveClient
  // does, Error(resource) beyond most_items, and Error(corrupt) when pages repeat.
  using TakeItem = std::function<void(JsonView item, const std::string& address)>;
  StacSearchReport search(const StacSearch& search, const TakeItem& take);

  // How many items there are without `where`; servers need not tell.
  std::optional<size_t> count(const StacSearch& search);

  const std::string& title() const { return title_; }
  const std::string& url() const { return url_; }
  bool conforms_to(std::string_view part) const;
  // Throws Error(missing) with the nearest names.
  nlohmann::json collection(const std::string& id);
  std::vector<std::string> collection_ids();

 private:
  struct Page;
  Page first_page(const StacSearch& search, const std::vector<PropertyCondition>& pushed);
  Page fetch(nlohmann::json request, JsonDocument used);
  void check_features(const JsonDocument& page) const;

  std::string url_, title_, search_get_, search_post_, collections_;
  std::set<std::string> conformance_;
  ArchiveClient& client_;
};

// Whether a document is the landing page of an API, rather than a static catalogue.
bool is_stac_api(JsonView landing);

}  // namespace geoloom::catalog
