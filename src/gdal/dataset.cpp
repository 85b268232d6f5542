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

#include "gdal/handles.h"
#include "gdal/web_access.h"

namespace geoloom::gdal {
namespace {

// One compressed block is decoded at once; a block above this would be a way to eat all memory.
constexpr int64_t kMaxBlockBytes = int64_t{1} << 30;
constexpr int kMaxBands = 10000;
constexpr int kMaxMetadataItems = 10000;
constexpr size_t kDefaultCacheBytes = size_t{64} << 20;
// A rotation that moves no pixel of the raster by more than this share of a pixel is noise.
constexpr double kRotationTolerance = 1.0 / 1024;

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

Place place_of(const std::string& path) {
  Place place;
  place.file = path;
  return place;
}

std::string text_or_empty(const char* text) {
  return text == nullptr ? std::string() : text;
}

std::string item_of(GDALMajorObjectH object, const char* name, const char* domain) {
  return text_or_empty(GDALGetMetadataItem(object, name, domain));
}

SampleType sample_type(GDALRasterBandH band) {
  switch (GDALGetRasterDataType(band)) {
    case GDT_Byte:
      // GDAL before 3.7 has no type for signed bytes.
      return item_of(band, "PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE" ? SampleType::int8
                                                                           : SampleType::uint8;
    case GDT_UInt16:
      return SampleType::uint16;
    case GDT_Int16:
      return SampleType::int16;
    case GDT_UInt32:
      return SampleType::uint32;
    case GDT_Int32:
      return SampleType::int32;
    case GDT_Float32:
      return SampleType::float32;
    case GDT_Float64:
      return SampleType::float64;
    default:
      return SampleType::other;
  }
}

int64_t sample_bytes(SampleType type) {
  switch (type) {
    case SampleType::uint8:
    case SampleType::int8:
      return 1;
    case SampleType::uint16:
    case SampleType::int16:
      return 2;
    case SampleType::uint32:
    case SampleType::int32:
    case SampleType::float32:
      return 4;
    case SampleType::float64:
      return 8;
    case SampleType::other:
      return 16;
  }
  return 16;
}

std::string colour_name(GDALColorInterp colour) {
  switch (colour) {
    case GCI_GrayIndex:
      return "grey";
    case GCI_PaletteIndex:
      return "palette";
    case GCI_RedBand:
      return "red";
    case GCI_GreenBand:
      return "green";
    case GCI_BlueBand:
      return "blue";
    case GCI_AlphaBand:
      return "alpha";
    default:
      return {};
  }
}

std::vector<std::array<uint8_t, 3>> colours_of(GDALRasterBandH band) {
  const GDALColorTableH table = GDALGetRasterColorTable(band);
  std::vector<std::array<uint8_t, 3>> colours;
  if (table == nullptr || GDALGetPaletteInterpretation(table) != GPI_RGB) return colours;
  for (int i = 0; i < GDALGetColorEntryCount(table); ++i) {
    GDALColorEntry entry{};
    GDALGetColorEntryAsRGB(table, i, &entry);
    colours.push_back({static_cast<uint8_t>(entry.c1), static_cast<uint8_t>(entry.c2),
                       static_cast<uint8_t>(entry.c3)});
  }
  while (!colours.empty() && colours.back() == std::array<uint8_t, 3>{}) colours.pop_back();
  return colours;
}

BandInfo band_info(GDALRasterBandH band) {
  BandInfo info;
  info.type = sample_type(band);
  info.name = text_or_empty(GDALGetDescription(band));
  int found = 0;
  const double nodata = GDALGetRasterNoDataValue(band, &found);
  if (found != 0) info.nodata = nodata;
  const double scale = GDALGetRasterScale(band, &found);
  if (found != 0) info.scale = scale;
  const double offset = GDALGetRasterOffset(band, &found);
  if (found != 0) info.offset = offset;
  info.unit = text_or_empty(GDALGetRasterUnitType(band));
  info.colour = colour_name(GDALGetRasterColorInterpretation(band));
  if (info.colour == "palette") info.colours = colours_of(band);
  GDALGetBlockSize(band, &info.block_width, &info.block_height);
  info.has_mask_band = (GDALGetMaskFlags(band) & (GMF_PER_DATASET | GMF_ALPHA)) != 0;
  return info;
}

geo::Crs crs_of(GDALDatasetH dataset) {
  const OGRSpatialReferenceH reference = GDALGetSpatialRef(dataset);
  if (reference == nullptr) return {};
  const std::array<const char*, 3> options{"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* raw = nullptr;
  const OGRErr result = OSRExportToWktEx(reference, &raw, options.data());
  const std::unique_ptr<char, void (*)(void*)> wkt(raw, &VSIFree);
  if (result != OGRERR_NONE || !wkt) return {};
  try {
    return geo::Crs::parse(wkt.get());
  } catch (const Error&) {
    // A definition that PROJ refuses (a local system, nonsense) is as good as none.
    return {};
  }
}

// Why a geotransform is not that of a north-up grid; empty when it is.
std::string why_not_north_up(const std::array<double, 6>& transform, int width, int height) {
  if (!std::all_of(transform.begin(), transform.end(), [](double v) { return std::isfinite(v); }) ||
      transform[1] == 0 || transform[5] == 0)
    return transform[1] == 0 && transform[2] != 0 ? "rotated" : "degenerate geotransform";
  if (std::abs(transform[2]) * height > std::abs(transform[1]) * kRotationTolerance ||
      std::abs(transform[4]) * width > std::abs(transform[5]) * kRotationTolerance)
    return "rotated";
  if (transform[5] > 0) return "south-up";
  if (transform[1] < 0) return "columns run west";
  return {};
}

std::string why_no_transform(GDALDatasetH dataset) {
  if (GDALGetGCPCount(dataset) > 0) return "ground control points";
  if (GDALGetMetadata(dataset, "RPC") != nullptr) return "rational polynomial coefficients";
  return "no georeferencing";
}

void read_grid(GDALDatasetH dataset, RasterInfo& info) {
  std::array<double, 6> transform{};
  if (GDALGetGeoTransform(dataset, transform.data()) != CE_None) {
    info.why_no_grid = why_no_transform(dataset);
    return;
  }
  info.why_no_grid =
      why_not_north_up(transform, GDALGetRasterXSize(dataset), GDALGetRasterYSize(dataset));
  if (!info.why_no_grid.empty()) return;
  geo::Grid grid;
  grid.crs = crs_of(dataset);
  grid.origin_x = transform[0];
  grid.origin_y = transform[3];
  grid.pixel_width = transform[1];
  grid.pixel_height = -transform[5];
  grid.width = info.width;
  grid.height = info.height;
  info.grid = std::move(grid);
}

std::vector<std::pair<std::string, std::string>> metadata_of(GDALDatasetH dataset) {
  std::vector<std::pair<std::string, std::string>> items;
  char** list = GDALGetMetadata(dataset, nullptr);
  for (int i = 0; list != nullptr && list[i] != nullptr && i < kMaxMetadataItems; ++i) {
    const std::string_view item = list[i];
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    items.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return items;
}

void check_limits(const std::string& path, const RasterInfo& info) {
  if (info.bands.empty())
    throw Error(ErrorCode::invalid, "the file holds no raster bands").at(place_of(path));
  const BandInfo& first = info.bands.front();
  const int64_t bands =
      info.interleaving == "PIXEL" ? static_cast<int64_t>(info.bands.size()) : int64_t{1};
  const int64_t block_pixels = int64_t{first.block_width} * first.block_height;
  if (block_pixels > kMaxBlockBytes / (bands * sample_bytes(first.type)))
    throw Error(ErrorCode::invalid,
                fmt::format("blocks of {}x{} pixels with {} bands are too large to be decoded",
                            first.block_width, first.block_height, bands))
        .at(place_of(path))
        .hint("rewrite the file with internal tiles");
}

RasterInfo describe(const std::string& path, GDALDatasetH dataset) {
  RasterInfo info;
  info.driver = text_or_empty(GDALGetDriverShortName(GDALGetDatasetDriver(dataset)));
  info.width = GDALGetRasterXSize(dataset);
  info.height = GDALGetRasterYSize(dataset);
  const int count = GDALGetRasterCount(dataset);
  if (count > kMaxBands)
    throw Error(ErrorCode::invalid, fmt::format("{} bands; at most {} are read", count, kMaxBands))
        .at(place_of(path));
  for (int band = 1; band <= count; ++band)
    info.bands.push_back(band_info(GDALGetRasterBand(dataset, band)));
  info.compression = item_of(dataset, "COMPRESSION", "IMAGE_STRUCTURE");
  info.interleaving = item_of(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
  check_limits(path, info);
  read_grid(dataset, info);
  info.metadata = metadata_of(dataset);
  const GDALRasterBandH first = GDALGetRasterBand(dataset, 1);
  for (int i = 0; i < GDALGetOverviewCount(first); ++i) {
    const GDALRasterBandH overview = GDALGetOverview(first, i);
    if (overview != nullptr)
      info.overviews.emplace_back(GDALGetRasterBandXSize(overview),
                                  GDALGetRasterBandYSize(overview));
  }
  std::sort(info.overviews.rbegin(), info.overviews.rend());
  return info;
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
    if (key.empty()) return describe(path, dataset);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = infos_.find(key); found != infos_.end()) return found->second;
    }
    auto info = describe(path, dataset);
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
  if (start.empty()) throw Error(ErrorCode::corrupt, "the file is empty").at(place_of(path));
  if (known_signature(kind))
    throw capture.error(ErrorCode::corrupt, fmt::format("this {} file cannot be opened", kind));
  throw Error(ErrorCode::invalid, kind.empty()
                                      ? std::string("this is not a raster that can be read")
                                      : fmt::format("this looks like {}, not like a raster", kind))
      .at(place_of(path))
      .hint("scenes may be GeoTIFF, JPEG 2000, PNG or JPEG");
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
  bool signed_nodata_mask(int band) const;
};

void Dataset::Impl::check(const geo::Window& window, const std::vector<int>& bands) const {
  const geo::Window all{0, 0, info.width, info.height};
  if (window.empty() || !all.contains(window))
    throw Error(ErrorCode::internal, fmt::format("the window {} is not inside of {}x{} pixels",
                                                 window.text(), info.width, info.height))
        .at(place_of(path));
  for (const int band : bands)
    if (band < 1 || static_cast<size_t>(band) > info.bands.size())
      throw Error(ErrorCode::invalid,
                  fmt::format("band {} was asked for; the file has {}", band, info.bands.size()))
          .at(place_of(path));
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
  static const std::vector<std::string> drivers{"GTiff", "JP2OpenJPEG", "PNG", "JPEG"};
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
