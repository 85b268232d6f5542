// SPDX-License-Identifier: Apache-2.0
#include "store/object_store.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "error/error.h"
#include "gdal/dataset.h"
#include "store/local_store.h"

namespace geoloom::store {
namespace {

struct Kind {
  std::string_view scheme, system;
};
constexpr std::array<Kind, 3> kKinds{
    {{"s3://", "/vsis3/"}, {"gs://", "/vsigs/"}, {"az://", "/vsiaz/"}}};

const Kind* kind_of(const std::string& url) {
  for (const Kind& kind : kKinds)
    if (url.starts_with(kind.scheme)) return &kind;
  return nullptr;
}

class ObjectStore final : public Store {
 public:
  ObjectStore(std::string url, std::string root) : url_(std::move(url)), root_(std::move(root)) {
    // Found out here, and not after the first item was computed.
    put_bytes("geoloom\n", "write-test");
    remove("write-test");
  }

  void put_file(const std::string& scratch_path, const std::string& name) override {
    gdal::copy_into(scratch_path, path_of(name));
    std::error_code ignored;
    std::filesystem::remove(scratch_path, ignored);
  }
  void put_bytes(std::string_view bytes, const std::string& name) override {
    gdal::write_file(path_of(name), bytes);
  }
  void copy(const std::string& name, const std::string& to) override {
    gdal::copy_into(path_of(name), path_of(to));
  }
  void append_record(std::string_view, const std::string& name) override {
    throw Error(ErrorCode::internal, "objects cannot be appended to: " + name);
  }
  std::string get_bytes(const std::string& name, size_t limit_bytes) const override {
    return gdal::read_file(path_of(name), limit_bytes);
  }
  std::optional<int64_t> size_of(const std::string& name) const override {
    const auto status = gdal::file_status(path_of(name));
    if (!status || status->directory) return std::nullopt;
    return status->size;
  }
  std::vector<std::string> list(const std::string& prefix) const override {
    const auto slash = prefix.rfind('/');
    const auto folder = slash == std::string::npos ? std::string() : prefix.substr(0, slash);
    if (!folder.empty()) check_name(folder);
    std::vector<std::string> names;
    const auto start = folder.empty() ? root_ : root_ + "/" + folder;
    for (const auto& file : gdal::list_files(start, true)) {
      auto name = folder.empty() ? file : folder + "/" + file;
      if (name.starts_with(prefix) && !name.ends_with("/")) names.push_back(std::move(name));
    }
    return names;
  }
  void remove(const std::string& name) override { gdal::remove_file(path_of(name)); }
  std::string path_of(const std::string& name) const override {
    check_name(name);
    return root_ + "/" + name;
  }
  const std::string& url() const override { return url_; }
  bool local() const override { return false; }

 private:
  std::string url_, root_;
};

}  // namespace

bool is_object_store(const std::string& url) {
  return kind_of(url) != nullptr;
}

std::unique_ptr<Store> open_object_store(const std::string& url) {
  const auto* const kind = kind_of(url);
  auto rest = url.substr(kind->scheme.size());
  while (rest.ends_with("/")) rest.pop_back();
  try {
    check_name(rest);
  } catch (const Error& error) {
    throw Error(ErrorCode::invalid, fmt::format("'{}' is no {}bucket/prefix", url, kind->scheme))
        .cause(error.message());
  }
  return std::make_unique<ObjectStore>(url, std::string(kind->system) + rest);
}

}  // namespace geoloom::store
