// SPDX-License-Identifier: Apache-2.0
#include "gdal/azure_upload.h"

#include <fmt/format.h>

#include <atomic>
#include <string>

#include "gdal/dataset.h"
#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

constexpr size_t kBlockBytes = size_t{8} << 20;

// Bytes as a file of GDAL's memory, without copying them.
class MemoryView {
 public:
  explicit MemoryView(std::string_view bytes) {
    static std::atomic<unsigned> counter{0};
    path_ = fmt::format("/vsimem/geoloom-upload/{}", counter++);
    // GDAL takes a pointer it could write through, and only reads from it here.
    auto* data = const_cast<char*>(bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    VSIFCloseL(
        VSIFileFromMemBuffer(path_.c_str(), reinterpret_cast<GByte*>(data), bytes.size(), false));
  }
  MemoryView(const MemoryView&) = delete;
  MemoryView& operator=(const MemoryView&) = delete;
  ~MemoryView() { VSIUnlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void upload(const std::string& source, const std::string& target) {
  const Capture capture(target);
  // With one thread GDAL appends; with two it sends blocks.
  Options options({{"SYNC_STRATEGY", "OVERWRITE"},
                   {"NUM_THREADS", "2"},
                   {"CHUNK_SIZE", std::to_string(kBlockBytes)}});
  if (VSISync(source.c_str(), target.c_str(), options.get(), nullptr, nullptr, nullptr) != 0)
    return;
  // What the server said to the threads is not told here; asking again tells what it means.
  if (!capture.remote_code()) (void)file_status(target);
  throw capture.error(ErrorCode::unavailable, "the object cannot be written");
}

}  // namespace

bool is_azure(std::string_view path) {
  return path.starts_with("/vsiaz/");
}

void put_blob_file(const std::string& source, const std::string& target) {
  upload(checked_path(source), checked_path(target, Access::write));
}

void put_blob_bytes(std::string_view bytes, const std::string& target) {
  const MemoryView view(bytes);
  upload(view.path(), checked_path(target, Access::write));
}

}  // namespace geoloom::gdal
