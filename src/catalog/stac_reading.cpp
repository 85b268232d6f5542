// SPDX-License-Identifier: Apache-2.0
// Reading STAC documents: read_stac() of stac_item.h.
#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "catalog/archive_client.h"
#include "catalog/href.h"
#include "catalog/json_document.h"
#include "catalog/stac_item.h"
#include "error/error.h"
#include "gdal/dataset.h"

namespace geoloom::catalog {
namespace {

constexpr size_t kMostItems = 100'000;
constexpr size_t kMostDocuments = 200'000;
constexpr size_t kLargestDocument = size_t{256} << 20;

// Walks documents depth first, in the order of their links. Over a network the documents that come
// next are fetched while others are read.
class Walk {
 public:
  explicit Walk(ArchiveClient* client, ItemFilter filter)
      : client_(client), filter_(std::move(filter)) {}

  std::vector<Scene> scenes;
  std::vector<std::string> missing;

  void from(const std::string& first) {
    waiting_.push_back(first);
    while (!waiting_.empty()) {
      fetch_ahead();
      const std::string path = std::move(waiting_.back());
      waiting_.pop_back();
      if (!seen_.insert(path).second) continue;
      if (seen_.size() > kMostDocuments) refuse(path, "more than 200 000 documents");
      const auto text = text_of_document(path);
      if (text)
        read(path, *text);
      else
        missing.push_back(path);
    }
  }

 private:
  std::string fetch(const std::string& path) const {
    if (client_ != nullptr && is_web_address(path)) return client_->get_text(path);
    return gdal::read_file(path, kLargestDocument);
  }

  void fetch_ahead() {
    if (client_ == nullptr) return;
    for (auto path = waiting_.rbegin(); path != waiting_.rend(); ++path) {
      if (fetched_.size() >= client_->access().requests_in_flight) return;
      if (!is_web_address(*path) || seen_.contains(*path) || fetched_.contains(*path)) continue;
      fetched_[*path] = std::async(std::launch::async, [this, p = *path] { return fetch(p); });
    }
  }

  // nullopt: a linked document that does not exist.
  std::optional<std::string> text_of_document(const std::string& path) {
    const bool linked = seen_.size() > 1;
    try {
      if (const auto ahead = fetched_.find(path); ahead != fetched_.end()) {
        auto coming = std::move(ahead->second);
        fetched_.erase(ahead);
        return coming.get();
      }
      if (linked && !is_web_address(path) && !gdal::file_status(path)) return std::nullopt;
      return fetch(path);
    } catch (const Error& error) {
      if (!linked || error.code() != ErrorCode::missing) throw;
      return std::nullopt;
    }
  }

  void read(const std::string& path, const std::string& text) {
    const JsonDocument parsed(text, path);
    const JsonView document = parsed.root();
    const auto type = document["type"].text();
    if (type == "Feature") {
      add(document, path, "");
    } else if (type == "FeatureCollection") {
      if (!document["features"].is_array()) refuse(path, "features are missing");
      const auto features = document["features"].elements();
      for (size_t i = 0; i < features.size(); ++i) {
        add(features[i], path, fmt::format("/features/{}", i));
      }
    } else if (type == "Collection" || type == "Catalog" || document["stac_version"]) {
      follow(document, path);
    } else {
      refuse(path, "this is not a STAC item, item collection, collection or catalogue");
    }
  }

  void add(JsonView item, const std::string& path, const std::string& pointer) {
    if (++items_ > kMostItems) refuse(path, "more than 100 000 items");
    Scene scene = scene_of_item(item, path, pointer);
    if (filter_ && !filter_(scene)) return;
    if (scene.identity.empty()) scene.identity = identity_of(scene);
    scenes.push_back(std::move(scene));
  }

  void follow(JsonView document, const std::string& path) {
    std::vector<std::string> targets;
    for (const JsonView& link : document["links"].elements()) {
      const auto rel = link["rel"].text();
      const std::string href(link["href"].text());
      if ((rel != "item" && rel != "child") || href.empty()) continue;
      targets.push_back(gdal_path(resolve_href(path, href)));
    }
    waiting_.insert(waiting_.end(), targets.rbegin(), targets.rend());
  }

  [[noreturn]] static void refuse(const std::string& path, const std::string& why) {
    throw Error(ErrorCode::invalid, why).at(in_file(path));
  }

  ArchiveClient* const client_;
  const ItemFilter filter_;
  size_t items_ = 0;
  std::vector<std::string> waiting_;  // the next one last
  std::set<std::string> seen_;
  std::map<std::string, std::future<std::string>> fetched_;
};

}  // namespace

std::vector<Scene> read_stac(const std::string& path, std::vector<std::string>* notes,
                             ArchiveClient* client, const ItemFilter& filter) {
  std::optional<ArchiveClient> own;
  if (client == nullptr) client = &own.emplace(ArchiveAccess{});
  Walk walk(client, filter);
  walk.from(gdal_path(absolute_path(path)));
  if (notes != nullptr && !walk.missing.empty()) {
    notes->push_back(fmt::format("{} linked documents do not exist, the first is {}",
                                 walk.missing.size(), walk.missing.front()));
  }
  return std::move(walk.scenes);
}

}  // namespace geoloom::catalog
