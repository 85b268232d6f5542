// SPDX-License-Identifier: Apache-2.0
#include "gdal/geotiff_writer.h"

#include <cpl_conv.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

namespace fs = std::filesystem;

GDALColorInterp colour_of(const std::string& name) {
  if (name == "grey") return GCI_GrayIndex;
  if (name == "palette") return GCI_PaletteIndex;
  if (name == "red") return GCI_RedBand;
  if (name == "green") return GCI_GreenBand;
  if (name == "blue") return GCI_BlueBand;
  if (name == "alpha") return GCI_AlphaBand;
  return GCI_Undefined;
}

bool is_rgb(const std::vector<WriterBand>& bands) {
  return bands.size() >= 3 && bands[0].colour == "red" && bands[1].colour == "green" &&
         bands[2].colour == "blue";
}

Options creation_options(const ScratchWriter::Options& options) {
  Options list;
  list.set("TILED", "YES");
  list.set("BLOCKXSIZE", std::to_string(options.block_size));
  list.set("BLOCKYSIZE", std::to_string(options.block_size));
  list.set("SPARSE_OK", "TRUE");
  list.set("INTERLEAVE", "BAND");
  list.set("BIGTIFF", "IF_SAFER");
  // GDAL makes three bytes a colour picture unless it is told otherwise.
  list.set("PHOTOMETRIC", is_rgb(options.bands) ? "RGB" : "MINISBLACK");
  const bool alpha = !options.bands.empty() && options.bands.back().colour == "alpha";
  list.set("ALPHA", alpha ? "YES" : "NO");
  return list;
}

void describe_band(GDALRasterBandH band, const WriterBand& info,
                   const std::optional<double>& nodata) {
  if (!info.name.empty()) GDALSetDescription(band, info.name.c_str());
  if (!info.unit.empty()) GDALSetRasterUnitType(band, info.unit.c_str());
  if (info.scale != 1) GDALSetRasterScale(band, info.scale);
  if (info.offset != 0) GDALSetRasterOffset(band, info.offset);
  if (nodata) GDALSetRasterNoDataValue(band, *nodata);
  const GDALColorInterp colour = colour_of(info.colour);
  if (colour != GCI_Undefined && colour != GDALGetRasterColorInterpretation(band))
    GDALSetRasterColorInterpretation(band, colour);
}

void set_items(GDALMajorObjectH object,
               const std::vector<std::pair<std::string, std::string>>& items) {
  for (const auto& [name, value] : items)
    GDALSetMetadataItem(object, name.c_str(), value.c_str(), nullptr);
}

void set_colours(GDALRasterBandH band, const std::vector<std::array<uint8_t, 3>>& rgb_by_value) {
  const std::unique_ptr<void, void (*)(GDALColorTableH)> table(GDALCreateColorTable(GPI_RGB),
                                                               &GDALDestroyColorTable);
  for (size_t i = 0; i < rgb_by_value.size(); ++i) {
    const auto& [red, green, blue] = rgb_by_value[i];
    const GDALColorEntry entry{red, green, blue, 255};
    GDALSetColorEntry(table.get(), static_cast<int>(i), &entry);
  }
  if (GDALSetRasterColorTable(band, table.get()) != CE_None)
    throw Error(ErrorCode::invalid, "this band cannot have a colour table");
}

DatasetHandle create_geotiff(const std::string& path, const geo::Grid& grid,
                             const ScratchWriter::Options& options, Options& list,
                             const Capture& capture) {
  DatasetHandle dataset(GDALCreate(GDALGetDriverByName("GTiff"), path.c_str(),
                                   static_cast<int>(grid.width), static_cast<int>(grid.height),
                                   static_cast<int>(options.bands.size()), gdal_type(options.type),
                                   list.get()));
  if (!dataset) throw capture.error(ErrorCode::denied, "the file cannot be created");
  std::array<double, 6> transform{grid.origin_x,     grid.pixel_width, 0, grid.origin_y, 0,
                                  -grid.pixel_height};
  GDALSetGeoTransform(dataset.get(), transform.data());
  if (grid.crs.known())
    GDALSetProjection(
        dataset.get(),
        (grid.crs.code().starts_with("EPSG:") ? grid.crs.code() : grid.crs.wkt()).c_str());
  for (size_t i = 0; i < options.bands.size(); ++i)
    describe_band(GDALGetRasterBand(dataset.get(), static_cast<int>(i) + 1), options.bands[i],
                  options.nodata);
  return dataset;
}

// A file in GDAL's memory, removed with its object.
class MemoryFile {
 public:
  explicit MemoryFile(std::string path) : path_(std::move(path)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { VSIUnlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string bytes() const {
    vsi_l_offset size = 0;
    const GByte* data = VSIGetMemFileBuffer(path_.c_str(), &size, FALSE);
    return {static_cast<const char*>(static_cast<const void*>(data)), static_cast<size_t>(size)};
  }

 private:
  std::string path_;
};

// A folder for one translation. The drivers put their temporary files beside the file that they
// write, so removing the folder removes them all, whatever went wrong.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& target) {
    static std::atomic<unsigned> counter{0};
    path_ = fmt::format("{}.part-{}-{}", target, getpid(), counter++);
    std::error_code failed;
    fs::create_directory(path_, failed);
    if (!failed) return;
    ErrorCode code = ErrorCode::denied;
    if (failed == std::errc::no_such_file_or_directory) code = ErrorCode::missing;
    if (failed == std::errc::no_space_on_device) code = ErrorCode::resource;
    throw Error(code, "the folder of the file cannot be written to")
        .at({.file = target})
        .cause(failed.message());
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/raster"; }
  void move_file_to(const std::string& target) const {
    std::error_code failed;
    fs::rename(file(), target, failed);
    if (failed)
      throw Error(ErrorCode::denied, "the file cannot be put in place")
          .at({.file = target})
          .cause(failed.message());
  }

 private:
  std::string path_;
};

std::string plain_path(const std::string& path) {
  std::string checked = checked_path(path, Access::write);
  if (checked.starts_with("/vsi"))
    throw Error(ErrorCode::internal, "rasters are written to local paths only").at({.file = path});
  return checked;
}

void create_copy(GDALDatasetH source, const std::string& target, const std::string& driver_name,
                 const std::vector<std::pair<std::string, std::string>>& items) {
  const GDALDriverH driver = GDALGetDriverByName(driver_name.c_str());
  if (driver == nullptr)
    throw Error(ErrorCode::internal, fmt::format("no driver '{}' to write with", driver_name));
  const WorkFolder folder(target);
  const ThreadOption temporary("CPL_TMPDIR", folder.path().c_str());
  Options options(items);
  const Capture capture(target);
  DatasetHandle copy(GDALCreateCopy(driver, folder.file().c_str(), source, false, options.get(),
                                    nullptr, nullptr));
  const bool made = copy != nullptr;
  // The last blocks and the directory are written here; GDALClose itself tells nothing.
  copy.reset();
  if (!made || capture.failed())
    throw capture.error(capture.data_missing() ? ErrorCode::corrupt : ErrorCode::internal,
                        fmt::format("writing {} failed", driver_name));
  folder.move_file_to(target);
}

}  // namespace

struct ScratchWriter::Impl {
  std::string path;
  DatasetHandle dataset;
  geo::Window extent;
  BufferType type = BufferType::uint8;
  int block_size = 256;
  std::vector<std::byte> block;

  void check(const geo::Window& window) const;
  void write_blocks(GDALRasterBandH band, size_t sample_bytes, const geo::Window& window,
                    const std::byte* pixels, size_t row_stride_bytes);
  void write_block(GDALRasterBandH band, size_t sample_bytes, const geo::Window& cell,
                   const geo::Window& part, const std::byte* pixels, size_t row_stride_bytes);
  GDALRasterBandH band(int number) const { return GDALGetRasterBand(dataset.get(), number); }
};

void ScratchWriter::Impl::check(const geo::Window& window) const {
  if (!dataset) throw Error(ErrorCode::internal, "the file is closed").at({.file = path});
  if (window.empty() || !extent.contains(window))
    throw Error(ErrorCode::internal, fmt::format("the window {} is not inside of {}x{} pixels",
                                                 window.text(), extent.width, extent.height))
        .at({.file = path});
}

// Blocks go to the file straight away. In GDAL's block cache they would wait until another thread,
// which reads a scene, has to write them to make room, and finds the error of a full disk.
void ScratchWriter::Impl::write_blocks(GDALRasterBandH band, size_t sample_bytes,
                                       const geo::Window& window, const std::byte* pixels,
                                       size_t row_stride_bytes) {
  block.resize(static_cast<size_t>(block_size) * static_cast<size_t>(block_size) * sample_bytes);
  const int64_t size = block_size;
  for (int64_t by = window.y / size; by * size < window.bottom(); ++by)
    for (int64_t bx = window.x / size; bx * size < window.right(); ++bx) {
      const geo::Window cell{bx * size, by * size, size, size};
      const geo::Window part = cell.intersect(window);
      const std::byte* first = pixels + static_cast<size_t>(part.y - window.y) * row_stride_bytes +
                               static_cast<size_t>(part.x - window.x) * sample_bytes;
      write_block(band, sample_bytes, cell, part, first, row_stride_bytes);
    }
}

void ScratchWriter::Impl::write_block(GDALRasterBandH band, size_t sample_bytes,
                                      const geo::Window& cell, const geo::Window& part,
                                      const std::byte* pixels, size_t row_stride_bytes) {
  const Capture capture(path);
  const int bx = static_cast<int>(cell.x / block_size);
  const int by = static_cast<int>(cell.y / block_size);
  CPLErr result = CE_None;
  // The part of a block beyond the raster's edge counts as filled.
  if (part == cell.intersect(extent))
    std::fill(block.begin(), block.end(), std::byte{0});
  else
    result = GDALReadBlock(band, bx, by, block.data());
  for (int64_t y = 0; y < part.height && result == CE_None; ++y)
    std::memcpy(
        block.data() + static_cast<size_t>((part.y - cell.y + y) * block_size + (part.x - cell.x)) *
                           sample_bytes,
        pixels + static_cast<size_t>(y) * row_stride_bytes,
        static_cast<size_t>(part.width) * sample_bytes);
  if (result == CE_None) result = GDALWriteBlock(band, bx, by, block.data());
  if (result != CE_None || capture.failed())
    throw capture.error(ErrorCode::resource, "writing the scratch file failed");
}

ScratchWriter::ScratchWriter(const std::string& path, const geo::Grid& grid, const Options& options)
    : impl_(std::make_unique<Impl>()) {
  initialise();
  if (options.bands.empty() || grid.width < 1 || grid.height < 1 || grid.width > INT32_MAX ||
      grid.height > INT32_MAX)
    throw Error(ErrorCode::internal, "a scratch file needs bands and pixels").at({.file = path});
  impl_->path = path;
  impl_->extent = grid.window();
  impl_->type = options.type;
  impl_->block_size = options.block_size;
  const Capture capture(path);
  gdal::Options list = creation_options(options);
  impl_->dataset = create_geotiff(plain_path(path), grid, options, list, capture);
  if (options.mask_band) GDALCreateDatasetMaskBand(impl_->dataset.get(), GMF_PER_DATASET);
  if (capture.failed())
    throw capture.error(ErrorCode::internal, "the scratch file cannot be set up");
}

ScratchWriter::ScratchWriter(ScratchWriter&&) noexcept = default;
ScratchWriter& ScratchWriter::operator=(ScratchWriter&&) noexcept = default;

ScratchWriter::~ScratchWriter() {
  if (!impl_ || !impl_->dataset) return;
  const Capture capture(impl_->path);
  impl_->dataset.reset();
}

void ScratchWriter::write(const geo::Window& window, int band, const void* pixels,
                          size_t row_stride_bytes) {
  impl_->check(window);
  if (band < 1 || band > GDALGetRasterCount(impl_->dataset.get()))
    throw Error(ErrorCode::internal, fmt::format("there is no band {}", band))
        .at({.file = impl_->path});
  impl_->write_blocks(impl_->band(band), byte_size(impl_->type), window,
                      static_cast<const std::byte*>(pixels), row_stride_bytes);
}

void ScratchWriter::write_mask(const geo::Window& window, const uint8_t* zero_or_255,
                               size_t row_stride_bytes) {
  impl_->check(window);
  impl_->write_blocks(GDALGetMaskBand(impl_->band(1)), 1, window,
                      static_cast<const std::byte*>(static_cast<const void*>(zero_or_255)),
                      row_stride_bytes);
}

void ScratchWriter::set_band_metadata(
    int band, const std::vector<std::pair<std::string, std::string>>& items) {
  const Capture capture(impl_->path);
  set_items(impl_->band(band), items);
}

void ScratchWriter::set_metadata(const std::vector<std::pair<std::string, std::string>>& items) {
  const Capture capture(impl_->path);
  set_items(impl_->dataset.get(), items);
}

void ScratchWriter::set_colour_table(const std::vector<std::array<uint8_t, 3>>& rgb_by_value) {
  const Capture capture(impl_->path);
  set_colours(impl_->band(1), rgb_by_value);
}

void ScratchWriter::close() {
  if (!impl_->dataset) return;
  const Capture capture(impl_->path);
  GDALFlushCache(impl_->dataset.get());
  impl_->dataset.reset();
  if (capture.failed()) throw capture.error(ErrorCode::resource, "closing the scratch file failed");
}

std::string described_geotiff(const geo::Grid& grid, const ScratchWriter::Options& options,
                              const MetadataItems& items,
                              const std::vector<MetadataItems>& band_items,
                              const std::vector<std::array<uint8_t, 3>>& colours) {
  initialise();
  static std::atomic<unsigned> counter{0};
  const MemoryFile file(fmt::format("/vsimem/described-{}.tif", counter++));
  geo::Grid corner = grid;
  corner.width = corner.height = 1;
  gdal::Options list = creation_options(options);
  list.set("TILED", "NO");
  list.set("INTERLEAVE", "PIXEL");
  list.set("BIGTIFF", "NO");
  list.set("ENDIANNESS", "LITTLE");
  const Capture capture(file.path());
  DatasetHandle dataset = create_geotiff(file.path(), corner, options, list, capture);
  if (!colours.empty()) set_colours(GDALGetRasterBand(dataset.get(), 1), colours);
  set_items(dataset.get(), items);
  for (size_t band = 0; band < band_items.size(); ++band)
    set_items(GDALGetRasterBand(dataset.get(), static_cast<int>(band) + 1), band_items[band]);
  dataset.reset();  // writes the directory
  if (capture.failed())
    throw capture.error(ErrorCode::internal, "the bands cannot be described as a GeoTIFF");
  return file.bytes();
}

void translate(const std::string& source, const std::string& target, const std::string& driver,
               const std::vector<std::pair<std::string, std::string>>& options) {
  initialise();
  const std::string checked = checked_path(source);
  const Capture capture(source);
  const std::array<const char*, 5> drivers{"GTiff", "PNG", "JPEG", "JP2OpenJPEG", nullptr};
  const DatasetHandle handle(GDALOpenEx(checked.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR,
                                        drivers.data(), nullptr, nullptr));
  if (!handle) {
    first_bytes(source, 1);
    throw capture.error(ErrorCode::corrupt, "the raster cannot be opened");
  }
  create_copy(handle.get(), plain_path(target), driver, options);
}

namespace {

DatasetHandle picture_in_memory(const Capture& capture, int64_t width, int64_t height,
                                const std::vector<const uint8_t*>& planes) {
  if (planes.empty() || planes.size() > 4 || width < 1 || height < 1 || width > 65535 ||
      height > 65535)
    throw Error(ErrorCode::internal,
                fmt::format("no picture of {}x{} with {} planes", width, height, planes.size()));
  const int columns = static_cast<int>(width);
  const int rows = static_cast<int>(height);
  DatasetHandle memory(GDALCreate(GDALGetDriverByName("MEM"), "", columns, rows,
                                  static_cast<int>(planes.size()), GDT_Byte, nullptr));
  if (!memory) throw capture.error(ErrorCode::resource, "no memory for the picture");
  for (size_t i = 0; i < planes.size(); ++i) {
    std::vector<uint8_t> plane(planes[i], planes[i] + width * height);
    const GDALRasterBandH band = GDALGetRasterBand(memory.get(), static_cast<int>(i) + 1);
    if (GDALRasterIOEx(band, GF_Write, 0, 0, columns, rows, plane.data(), columns, rows, GDT_Byte,
                       1, columns, nullptr) != CE_None)
      throw capture.error(ErrorCode::internal, "the picture cannot be made");
  }
  return memory;
}

}  // namespace

void write_png(const std::string& path, int64_t width, int64_t height,
               const std::vector<const uint8_t*>& planes) {
  initialise();
  const Capture capture(path);
  const auto memory = picture_in_memory(capture, width, height, planes);
  create_copy(memory.get(), plain_path(path), "PNG", {});
}

std::string png_bytes(int64_t width, int64_t height, const std::vector<const uint8_t*>& planes) {
  initialise();
  static std::atomic<unsigned> counter{0};
  const MemoryFile file(fmt::format("/vsimem/picture-{}.png", counter++));
  const Capture capture(file.path());
  const auto memory = picture_in_memory(capture, width, height, planes);
  DatasetHandle copy(GDALCreateCopy(GDALGetDriverByName("PNG"), file.path().c_str(), memory.get(),
                                    false, nullptr, nullptr, nullptr));
  if (!copy) throw capture.error(ErrorCode::internal, "the picture cannot be made");
  copy.reset();
  return file.bytes();
}

}  // namespace geoloom::gdal
