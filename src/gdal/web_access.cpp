// SPDX-License-Identifier: Apache-2.0
#include "gdal/web_access.h"

#include <map>
#include <mutex>

namespace geoloom::gdal {
namespace {

struct Rules {
  std::mutex mutex;
  std::map<std::string, std::vector<std::shared_ptr<const WebAccess>>> by_path;
};

Rules& rules() {
  static Rules all;
  return all;
}

}  // namespace

WebAccessRule::WebAccessRule(std::vector<std::string> paths,
                             std::shared_ptr<const WebAccess> access)
    : paths_(std::move(paths)), access_(std::move(access)) {
  auto& all = rules();
  const std::lock_guard lock(all.mutex);
  for (const auto& path : paths_) all.by_path[path].push_back(access_);
}

WebAccessRule::~WebAccessRule() {
  auto& all = rules();
  const std::lock_guard lock(all.mutex);
  for (const auto& path : paths_) {
    const auto found = all.by_path.find(path);
    if (found == all.by_path.end()) continue;
    auto& list = found->second;
    for (auto each = list.rbegin(); each != list.rend(); ++each) {
      if (*each != access_) continue;
      list.erase(std::next(each).base());
      break;
    }
    if (list.empty()) all.by_path.erase(found);
  }
}

std::shared_ptr<const WebAccess> web_access_of(const std::string& path) {
  auto& all = rules();
  const std::lock_guard lock(all.mutex);
  const auto found = all.by_path.find(path);
  return found == all.by_path.end() ? nullptr : found->second.back();
}

}  // namespace geoloom::gdal
