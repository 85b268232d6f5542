// SPDX-License-Identifier: Apache-2.0
#include <cpl_vsi.h>
#include <fmt/format.h>

#include <atomic>

#include "gdal/dataset.h"
#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

// Bytes of ours under a name that GDAL can open, for as long as the object lives.
class NamedBytes {
 public:
  explicit NamedBytes(std::span<const std::byte> bytes) {
    static std::atomic<unsigned> counter{0};
    path_ = fmt::format("/vsimem/header-{}.tif", counter++);
    // GDAL wants them writable, and does not write where a file is opened for reading.
    auto* const data = reinterpret_cast<GByte*>(const_cast<std::byte*>(bytes.data()));
    VSILFILE* const file = VSIFileFromMemBuffer(path_.c_str(), data, bytes.size(), FALSE);
    if (file == nullptr) throw Error(ErrorCode::resource, "no memory for a header");
    VSIFCloseL(file);
  }
  NamedBytes(const NamedBytes&) = delete;
  NamedBytes& operator=(const NamedBytes&) = delete;
  ~NamedBytes() { VSIUnlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

RasterInfo info_of_header(std::span<const std::byte> start) {
  initialise();
  const NamedBytes file(start);
  return Dataset::open(file.path()).info();
}

}  // namespace geoloom::gdal
