// SPDX-License-Identifier: Apache-2.0
#include "gdal/dataset.h"

#include <cpl_conv.h>
#include <fmt/format.h>
#include <gdal_frmts.h>
#include <ogr_srs_api.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "gdal/array_file.h"
#include "gdal/handles.h"
#include "gdal/raster_description.h"
#include "gdal/web_access.h"

namespace geoloom::gdal {
namespace {

constexpr size_t kDefaultCacheBytes = size_t{64} << 20;

void CPL_STDCALL drop_message(CPLErr /*level*/, CPLErrorNum /*number*/, const char* /*text*/) {}

void set_options() {
  // Sidecars can change what a scene means and can name other files; nothing may write beside it.
  CPLSetConfigOption("GDAL_PAM_ENABLED", "NO");
  CPLSetConfigOption("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR");
  CPLSetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES");
  CPLSetConfigOption("GTIFF_IGNORE_READ_ERRORS", "NO");
  // Threads are the engine's business: a codec that starts its own would break the budget of cores.
  CPLSetConfigOption("GDAL_NUM_THREADS", "1");
  // GDAL's quiet handler passes debug messages to the default one, which would print them.
  if (CPLGetConfigOption("CPL_LOG", nullptr) == nullptr) CPLSetConfigOption("CPL_LOG", "/dev/null");
  set_network_defaults();
  OSRSetPROJEnableNetwork(0);
}

void register_drivers() {
  // Not GDALAllRegister: a driver that is not there cannot be talked into opening a file.
  GDALRegister_GTiff();
  GDALRegister_COG();
  GDALRegister_PNG();
  GDALRegister_JPEG();
  GDALRegister_JP2OpenJPEG();
  GDALRegister_MEM();
}

// A description costs twenty times what opening does (GDAL asks PROJ for the CRS and the unit), and
// a series is opened again for every few blocks. Kept by path, size and time of change; local files
// only.
class DescriptionCache {
 public:
  static DescriptionCache& instance() {
    static DescriptionCache cache;
    return cache;
  }

  RasterInfo find_or_describe(const std::string& path, GDALDatasetH dataset) {
    const auto key = key_of(path);
    if (key.empty()) return describe_raster(path, dataset);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = infos_.find(key); found != infos_.end()) return found->second;
    }
    auto info = describe_raster(path, dataset);
    const std::lock_guard lock(mutex_);
    // Far more than are in use at a time; starting anew is simpler than choosing.
    if (infos_.size() >= kMost) infos_.clear();
    infos_.emplace(key, info);
    return info;
  }

 private:
  static constexpr size_t kMost = 4096;

  static std::string key_of(const std::string& path) {
    struct stat status {};
    if (is_remote(path) || ::stat(path.c_str(), &status) != 0) return {};
    return fmt::format("{}:{}:{}:{}.{}", path, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
  }

  std::mutex mutex_;
  std::map<std::string, RasterInfo> infos_;
};

bool known_signature(const std::string& kind) {
  return kind == "TIFF" || kind == "PNG" || kind == "JPEG" || kind == "JPEG 2000";
}

[[noreturn]] void throw_unopened(const std::string& path, const Capture& capture) {
  const std::string start = first_bytes(path, 1024);
  const std::string kind = looks_like(start);
  if (start.empty()) throw Error(ErrorCode::corrupt, "the file is empty").at({.file = path});
  if (known_signature(kind))
    throw capture.error(ErrorCode::corrupt, fmt::format("this {} file cannot be opened", kind));
  throw Error(ErrorCode::invalid, kind.empty()
                                      ? std::string("this is not a raster that can be read")
                                      : fmt::format("this looks like {}, not like a raster", kind))
      .at({.file = path})
      .hint(
          "scenes may be GeoTIFF, JPEG 2000, PNG or JPEG, and by the ending of their names netCDF "
          "(.nc), HDF4 (.hdf), HDF5 (.h5) and Zarr (.zarr)");
}

DatasetHandle open_handle(const std::string& path) {
  static constexpr std::array<const char*, 5> drivers{"GTiff", "JP2OpenJPEG", "PNG", "JPEG",
                                                      nullptr};
  // World files and the like are sidecars too.
  static constexpr std::array<const char*, 2> options{"GEOREF_SOURCES=INTERNAL", nullptr};
  // An empty list would count as none given, and GDAL would look for overviews beside the file.
  static constexpr std::array<const char*, 2> no_siblings{"", nullptr};
  return DatasetHandle(GDALOpenEx(path.c_str(),
                                  GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR,
                                  drivers.data(), options.data(), no_siblings.data()));
}

// GDAL remembers files that it did not find; look again before anything is called missing.
DatasetHandle open_or_throw(const std::string& path) {
  const std::string checked = checked_path(path);
  const Capture capture(path);
  DatasetHandle handle = open_handle(checked);
  if (handle) return handle;
  if (!is_remote(checked)) throw_unopened(path, capture);
  first_bytes(path, 1);
  const Capture second(path);
  handle = open_handle(checked);
  if (!handle) throw_unopened(path, second);
  return handle;
}

// Signed bytes come as 0..255 from GDAL; brings one row of a buffer to its meaning.
template <typename T>
void sign_extend_row(T* row, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (row[i] <= T{127}) continue;
    if constexpr (std::numeric_limits<T>::is_signed)
      row[i] = static_cast<T>(row[i] - T{256});
    else
      row[i] = 0;
  }
}

template <typename T>
void sign_extend(void* plane, int64_t width, int64_t height, size_t row_stride_bytes) {
  auto* bytes = static_cast<std::byte*>(plane);
  for (int64_t y = 0; y < height; ++y)
    sign_extend_row(
        static_cast<T*>(static_cast<void*>(bytes + static_cast<size_t>(y) * row_stride_bytes)),
        width);
}

void sign_extend(BufferType type, void* plane, int64_t width, int64_t height,
                 size_t row_stride_bytes) {
  switch (type) {
    case BufferType::uint8:
      return sign_extend<uint8_t>(plane, width, height, row_stride_bytes);
    case BufferType::uint16:
      return sign_extend<uint16_t>(plane, width, height, row_stride_bytes);
    case BufferType::int16:
      return sign_extend<int16_t>(plane, width, height, row_stride_bytes);
    case BufferType::float32:
      return sign_extend<float>(plane, width, height, row_stride_bytes);
  }
}

}  // namespace

struct Dataset::Impl {
  std::string path;
  DatasetHandle handle;
  std::optional<ArrayPlane> plane;  // instead of the handle, where the path names one
  RasterInfo info;

  // What a read fills: a plane per band.
  struct Target {
    BufferType type;
    void* buffer;
    int64_t width, height;
    size_t row_stride_bytes, band_stride_bytes;
  };

  void check(const geo::Window& window, const std::vector<int>& bands) const;
  [[noreturn]] void throw_read(const Capture& capture) const;
  void read(const geo::Window& window, const std::vector<int>& bands, const Target& target) const;
  void read_plane(const geo::Window& window, const Target& target) const;
  bool signed_nodata_mask(int band) const;
};

void Dataset::Impl::check(const geo::Window& window, const std::vector<int>& bands) const {
  const geo::Window all{0, 0, info.width, info.height};
  if (window.empty() || !all.contains(window))
    throw Error(ErrorCode::internal, fmt::format("the window {} is not inside of {}x{} pixels",
                                                 window.text(), info.width, info.height))
        .at({.file = path});
  for (const int band : bands)
    if (band < 1 || static_cast<size_t>(band) > info.bands.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("band {} was asked for; the file has {}", band, info.bands.size()))
          .at({.file = path});
}

void Dataset::Impl::throw_read(const Capture& capture) const {
  // A file that has gone or a server that is down explains a short read better than the codec does.
  if (!capture.remote_code()) first_bytes(path, 1);
  throw capture.error(ErrorCode::corrupt, "the pixels cannot be read");
}

void Dataset::Impl::read(const geo::Window& window, const std::vector<int>& bands,
                         const Target& target) const {
  check(window, bands);
  if (bands.empty()) return;
  if (plane) return read_plane(window, target);
  const Capture capture(path);
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  std::vector<int> numbers = bands;
  const CPLErr result = GDALDatasetRasterIOEx(
      handle.get(), GF_Read, static_cast<int>(window.x), static_cast<int>(window.y),
      static_cast<int>(window.width), static_cast<int>(window.height), target.buffer,
      static_cast<int>(target.width), static_cast<int>(target.height), gdal_type(target.type),
      static_cast<int>(numbers.size()), numbers.data(),
      static_cast<GSpacing>(byte_size(target.type)), static_cast<GSpacing>(target.row_stride_bytes),
      static_cast<GSpacing>(target.band_stride_bytes), &extra);
  if (result != CE_None || capture.failed() || capture.data_missing()) throw_read(capture);
  for (size_t i = 0; i < bands.size(); ++i)
    if (info.bands[static_cast<size_t>(bands[i] - 1)].type == SampleType::int8)
      sign_extend(target.type,
                  static_cast<std::byte*>(target.buffer) + i * target.band_stride_bytes,
                  target.width, target.height, target.row_stride_bytes);
}

// There is one band.
void Dataset::Impl::read_plane(const geo::Window& window, const Target& target) const {
  if (target.width == window.width && target.height == window.height)
    return plane->read(window, target.type, target.buffer, target.row_stride_bytes);
  plane->read_overview(window, target.type, target.buffer, target.width, target.height);
}

// GDAL 3.6 compares the nodata value -128 with bytes of 0..255, and finds none.
bool Dataset::Impl::signed_nodata_mask(int band) const {
  const BandInfo& info_of_band = info.bands[static_cast<size_t>(band - 1)];
  return info_of_band.type == SampleType::int8 && info_of_band.nodata &&
         !info_of_band.has_mask_band;
}

void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    CPLSetErrorHandler(&drop_message);
    set_options();
    register_drivers();
    set_block_cache_bytes(kDefaultCacheBytes);
  });
}

void set_block_cache_bytes(size_t bytes) {
  GDALSetCacheMax64(static_cast<GIntBig>(bytes));
}

std::string version() {
  return GDALVersionInfo("RELEASE_NAME");
}

bool built_with_libdeflate() {
  initialise();
  const GDALDriverH driver = GDALGetDriverByName("GTiff");
  // Only libdeflate knows levels above 9.
  return item_of(driver, GDAL_DMD_CREATIONOPTIONLIST, nullptr).find("level 1-12") !=
         std::string::npos;
}

const std::vector<std::string>& allowed_drivers() {
  static const std::vector<std::string> drivers{"GTiff",  "JP2OpenJPEG", "PNG",  "JPEG",
                                                "netCDF", "HDF4",        "HDF5", "Zarr"};
  return drivers;
}

size_t byte_size(BufferType type) {
  switch (type) {
    case BufferType::uint8:
      return 1;
    case BufferType::uint16:
    case BufferType::int16:
      return 2;
    case BufferType::float32:
      return 4;
  }
  return 1;
}

GDALDataType gdal_type(BufferType type) {
  switch (type) {
    case BufferType::uint8:
      return GDT_Byte;
    case BufferType::uint16:
      return GDT_UInt16;
    case BufferType::int16:
      return GDT_Int16;
    case BufferType::float32:
      return GDT_Float32;
  }
  return GDT_Unknown;
}

Dataset::Dataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

namespace {

// What GDAL opens: the signed address where a path wants one, made anew once when it is refused.
DatasetHandle open_with_access(const std::string& path) {
  constexpr std::string_view kPrefix = "/vsicurl/";
  const auto access = path.starts_with(kPrefix) ? web_access_of(path) : nullptr;
  if (!access || !access->sign) return open_or_throw(path);
  static_cast<void>(checked_path(path, Access::read));
  const auto address = path.substr(kPrefix.size());
  try {
    return open_or_throw(std::string(kPrefix) + access->sign(address, false));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::denied) throw;
    return open_or_throw(std::string(kPrefix) + access->sign(address, true));
  }
}

}  // namespace

Dataset Dataset::open(const std::string& path) {
  initialise();
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  if (names_array_file(path)) {
    impl->plane = ArrayPlane::open(path);
    impl->info = impl->plane->info();
    return Dataset(std::move(impl));
  }
  impl->handle = open_with_access(path);
  const Capture capture(path);
  impl->info = DescriptionCache::instance().find_or_describe(path, impl->handle.get());
  return Dataset(std::move(impl));
}

const std::string& Dataset::path() const {
  return impl_->path;
}
const RasterInfo& Dataset::info() const {
  return impl_->info;
}

void Dataset::read(const geo::Window& window, const std::vector<int>& bands, BufferType type,
                   void* buffer, size_t row_stride_bytes, size_t band_stride_bytes) const {
  impl_->read(window, bands,
              {type, buffer, window.width, window.height, row_stride_bytes, band_stride_bytes});
}

void Dataset::read_overview(const geo::Window& window, const std::vector<int>& bands,
                            BufferType type, void* buffer, int64_t out_width,
                            int64_t out_height) const {
  const size_t row = static_cast<size_t>(out_width) * byte_size(type);
  impl_->read(window, bands,
              {type, buffer, out_width, out_height, row, row * static_cast<size_t>(out_height)});
}

void Dataset::read_mask(const geo::Window& window, int band, uint8_t* buffer,
                        size_t row_stride_bytes) const {
  impl_->check(window, {band});
  if (impl_->plane) throw Error(ErrorCode::internal, "a variable has no mask band");
  if (impl_->signed_nodata_mask(band)) {
    std::vector<int16_t> values(static_cast<size_t>(window.pixels()));
    const size_t row = static_cast<size_t>(window.width) * sizeof(int16_t);
    read(window, {band}, BufferType::int16, values.data(), row, 0);
    const double nodata = *impl_->info.bands[static_cast<size_t>(band - 1)].nodata;
    for (int64_t y = 0; y < window.height; ++y)
      for (int64_t x = 0; x < window.width; ++x)
        buffer[static_cast<size_t>(y) * row_stride_bytes + static_cast<size_t>(x)] =
            values[static_cast<size_t>(y * window.width + x)] == nodata ? 0 : 255;
    return;
  }
  const Capture capture(impl_->path);
  const GDALRasterBandH mask = GDALGetMaskBand(GDALGetRasterBand(impl_->handle.get(), band));
  const int width = static_cast<int>(window.width);
  const int height = static_cast<int>(window.height);
  const CPLErr result = GDALRasterIOEx(
      mask, GF_Read, static_cast<int>(window.x), static_cast<int>(window.y), width, height, buffer,
      width, height, GDT_Byte, 1, static_cast<GSpacing>(row_stride_bytes), nullptr);
  if (result != CE_None || capture.failed() || capture.data_missing()) impl_->throw_read(capture);
  // An alpha band has degrees of opacity; whatever shows at all is valid.
  for (int64_t y = 0; y < window.height; ++y) {
    uint8_t* row = buffer + static_cast<size_t>(y) * row_stride_bytes;
    std::transform(row, row + window.width, row,
                   [](uint8_t v) { return static_cast<uint8_t>(v == 0 ? 0 : 255); });
  }
}

}  // namespace geoloom::gdal
