// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "error/error.h"
#include "store/local_store.h"
#include "store/object_store.h"

namespace geoloom::store {

void check_name(const std::string& name) {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::denied, fmt::format("'{}' is no name for an object: {}", name, why));
  };
  if (name.empty()) refuse("it is empty");
  for (size_t start = 0; start <= name.size();) {
    const auto slash = std::min(name.find('/', start), name.size());
    const auto part = name.substr(start, slash - start);
    if (part.empty()) refuse("a part of it is empty");
    if (part == "." || part == "..") refuse("it leaves its folder");
    start = slash + 1;
  }
  for (const char c : name) {
    const bool allowed = std::isalnum(static_cast<unsigned char>(c)) ||
                         std::string_view("._=+-/").find(c) != std::string_view::npos;
    if (!allowed) refuse("only letters, digits and ._=+-/ may stand in it");
  }
}

std::unique_ptr<Store> open_store(const std::string& url) {
  if (is_object_store(url)) return open_object_store(url);
  if (url.starts_with("https://") || url.starts_with("http://"))
    throw Error(ErrorCode::invalid, fmt::format("'{}' cannot be a store: it can only be read", url))
        .hint("scenes may come from http(s)://, results go to a folder, s3://, gs:// or az://");
  if (url.find("://") != std::string::npos || url.starts_with("/vsi"))
    throw Error(ErrorCode::invalid, fmt::format("a store cannot be at '{}'", url))
        .hint("name a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix");
  if (url.empty()) throw Error(ErrorCode::invalid, "the store has no name");
  return open_local_store(url);
}

std::string scratch_parent(const Store& store) {
  return store.local() ? store.path_of(".scratch") : remote_scratch_parent();
}

std::string remote_scratch_parent() {
  const char* folder = std::getenv("TMPDIR");
  return (std::filesystem::path(folder && *folder ? folder : "/tmp") / "geoloom").string();
}

}  // namespace geoloom::store
