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
  constexpr std::string_view kS3 = "s3://";
  if (url.starts_with(kS3)) return open_object_store(url);
  if (const auto scheme = url.find("://"); scheme != std::string::npos)
    throw Error(ErrorCode::invalid, fmt::format("a store cannot be at '{}'", url))
        .hint("name a folder or s3://bucket/prefix");
  if (url.empty()) throw Error(ErrorCode::invalid, "the store has no name");
  return open_local_store(url);
}

std::string scratch_parent(const Store& store) {
  if (store.local()) return store.path_of(".scratch");
  const char* folder = std::getenv("TMPDIR");
  return (std::filesystem::path(folder && *folder ? folder : "/tmp") / "geoloom").string();
}

}  // namespace geoloom::store
