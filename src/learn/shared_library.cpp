// SPDX-License-Identifier: Apache-2.0
#include "learn/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace geoloom::learn {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// lib/python3.11/site-packages and its like below a prefix, the newest Python first.
std::vector<fs::path> package_folders(const fs::path& prefix) {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(prefix / "lib", ignored)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("python3")) continue;
    const int minor = name.size() > 8 ? std::atoi(name.c_str() + 8) : 0;
    for (const char* kind : {"site-packages", "dist-packages"})
      found.emplace_back(-minor, entry.path() / kind);
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> folders;
  for (auto& [minor, folder] : found) folders.push_back(std::move(folder));
  return folders;
}

std::string how_to_get(const LibraryNames& names) {
  return fmt::format(
      "pip install {} in a virtual environment, and activate it or set {} to the path of {}",
      names.package, names.variable, names.file);
}

}  // namespace

std::string find_library(const LibraryNames& names) {
  std::error_code ignored;
  if (const auto said = variable(names.variable.c_str()); !said.empty()) {
    if (fs::is_regular_file(said, ignored)) return said;
    throw Error(ErrorCode::missing,
                fmt::format("{} says '{}', which is no file", names.variable, said))
        .hint(how_to_get(names));
  }
  std::vector<fs::path> prefixes;
  if (const auto active = variable("VIRTUAL_ENV"); !active.empty()) prefixes.emplace_back(active);
  if (const auto home = variable("HOME"); !home.empty())
    prefixes.push_back(fs::path(home) / ".local");
  prefixes.insert(prefixes.end(), {"/usr/local", "/usr"});
  for (const auto& prefix : prefixes)
    for (const auto& folder : package_folders(prefix))
      for (const auto& inside : names.in_packages)
        if (fs::is_regular_file(folder / inside, ignored)) return folder / inside;
  return names.file;
}

SharedLibrary::SharedLibrary(const LibraryNames& names)
    : title_(names.title), path_(find_library(names)) {
  handle_ = dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle_ != nullptr) return;
  const char* reason = dlerror();
  throw Error(ErrorCode::missing, fmt::format("the library of {} is not there", title_))
      .cause(reason == nullptr ? "" : reason)
      .hint(how_to_get(names));
}

void* SharedLibrary::address(const char* name) const {
  if (void* found = dlsym(handle_, name); found != nullptr) return found;
  throw Error(ErrorCode::invalid, fmt::format("{} has no function {}", path_, name))
      .hint(fmt::format("is it a {} of these years?", title_));
}

}  // namespace geoloom::learn
