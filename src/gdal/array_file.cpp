// SPDX-License-Identifier: Apache-2.0
#include "gdal/array_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gdal_frmts.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "error/spelling.h"
#include "gdal/array_description.h"
#include "gdal/random_access_file.h"
#include "gdal/raster_description.h"

// A GDAL built without one of them lacks the symbol; that is told when such a file is opened.
CPL_C_START
__attribute__((weak)) void GDALRegister_netCDF();
__attribute__((weak)) void GDALRegister_HDF5();
__attribute__((weak)) void GDALRegister_Zarr();
CPL_C_END

namespace geoloom::gdal {
namespace {

constexpr int kDeepestGroup = 16;
constexpr size_t kMostVariables = 10'000;

// The netCDF library stands on that of HDF5, which is not made for threads, and GDAL has a lock for
// each that the other does not know. Recursive: who opens may close what others have left.
class LibraryLock {
 public:
  explicit LibraryLock(ArrayFormat format) {
    // Zarr is GDAL's own code; what is open is used by one at a time.
    if (format != ArrayFormat::zarr) lock_ = std::unique_lock(mutex());
  }

 private:
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex one;
    return one;
  }
  std::unique_lock<std::recursive_mutex> lock_;
};

struct Driver {
  const char* name;
  void (*registration)();
};

Driver driver_of(ArrayFormat format) {
  switch (format) {
    case ArrayFormat::netcdf:
      return {"netCDF", &GDALRegister_netCDF};
    case ArrayFormat::hdf5:
      return {"HDF5", &GDALRegister_HDF5};
    case ArrayFormat::zarr:
      break;
  }
  return {"Zarr", &GDALRegister_Zarr};
}

// Registered when the first such file is opened: a process that opens none has no such driver.
const char* registered_driver(ArrayFormat format, const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const Driver driver = driver_of(format);
  if (driver.registration != nullptr && GDALGetDriverByName(driver.name) == nullptr)
    driver.registration();
  if (GDALGetDriverByName(driver.name) == nullptr)
    throw Error(ErrorCode::resource,
                fmt::format("this machine's GDAL was built without its {} driver", driver.name))
        .at(place_of(path))
        .hint("install a GDAL that has it: Debian's package is libgdal32 or later");
  return driver.name;
}

// A file's arrays. The destructor takes the library's lock, as every call of GDAL has to.
struct OpenFile {
  ArrayFormat format = ArrayFormat::netcdf;
  std::string path;
  DatasetHandle dataset;
  std::shared_ptr<GDALGroup> root;

  OpenFile() = default;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    const LibraryLock lock(format);
    root.reset();
    dataset.reset();
  }
};

// Zarr is a folder; whether it is one is for its driver to say.
void check_kind(const std::string& path, ArrayFormat format) {
  if (is_remote(path))
    throw Error(ErrorCode::invalid,
                fmt::format("{} is read from this machine's disks only", name(format)))
        .at(place_of(path))
        .hint("copy the file first");
  if (format == ArrayFormat::zarr) {
    const auto status = file_status(path);
    if (!status) throw Error(ErrorCode::missing, "there is no such folder").at(place_of(path));
    if (!status->directory)
      throw Error(ErrorCode::invalid, "a Zarr store is a folder").at(place_of(path));
    return;
  }
  const auto start = first_bytes(path, 1024);
  const auto kind = looks_like(start);
  if (start.empty()) throw Error(ErrorCode::corrupt, "the file is empty").at(place_of(path));
  const bool fits = kind == "HDF5 or netCDF" || (format == ArrayFormat::netcdf && kind == "netCDF");
  if (!fits)
    throw Error(ErrorCode::invalid, fmt::format("this is no {} file{}", name(format),
                                                kind.empty() ? "" : ": it looks like " + kind))
        .at(place_of(path));
}

// Planes of one version of a file share it: a series has one for each date and band. Under the
// lock.
std::weak_ptr<OpenFile>& shared_file(const std::string& path) {
  static std::map<std::string, std::weak_ptr<OpenFile>> files;
  std::erase_if(files, [](const auto& each) { return each.second.expired(); });
  return files[path + ":" + local_version(path)];
}

std::shared_ptr<OpenFile> open_file(const std::string& path, ArrayFormat format) {
  initialise();
  const std::string checked = checked_path(path);
  check_array_files_admitted(path);
  check_kind(path, format);
  const std::array<const char*, 2> drivers{registered_driver(format, path), nullptr};
  const LibraryLock lock(format);
  auto* const known = format == ArrayFormat::zarr ? nullptr : &shared_file(path);
  if (known != nullptr)
    if (auto open = known->lock()) return open;
  const Capture capture(path);
  auto file = std::make_shared<OpenFile>();
  file->format = format;
  file->path = path;
  file->dataset.reset(GDALOpenEx(checked.c_str(),
                                 GDAL_OF_MULTIDIM_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR,
                                 drivers.data(), nullptr, nullptr));
  if (file->dataset) file->root = GDALDataset::FromHandle(file->dataset.get())->GetRootGroup();
  if (!file->root)
    throw capture.error(ErrorCode::corrupt,
                        fmt::format("this {} file cannot be opened", name(format)));
  if (known != nullptr) *known = file;
  return file;
}

void add_variables(const OpenFile& file, const GDALGroup& group, int depth, ArrayFileInfo& info) {
  for (const auto& name : group.GetMDArrayNames()) {
    const auto array = group.OpenMDArray(name);
    if (!array || !is_raster(*file.root, *array)) continue;
    if (info.variables.size() >= kMostVariables)
      throw Error(ErrorCode::invalid,
                  fmt::format("the file has more than {} variables", kMostVariables))
          .at(place_of(file.path));
    info.variables.push_back(describe_array(*file.root, *array, file.format).variable);
  }
  for (const auto& name : group.GetGroupNames())
    if (const auto inner = group.OpenGroup(name); inner && depth < kDeepestGroup)
      add_variables(file, *inner, depth + 1, info);
}

ArrayFileInfo describe_file(const OpenFile& file) {
  const LibraryLock lock(file.format);
  const Capture capture(file.path);
  ArrayFileInfo info;
  info.format = file.format;
  add_variables(file, *file.root, 0, info);
  read_time_of_file(*file.root, info);
  return info;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  const std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShown)));
  return fmt::format("{}{}", fmt::join(first, ", "), names.size() > kShown ? ", ..." : "");
}

std::vector<std::string> names_of(const ArrayFileInfo& info) {
  std::vector<std::string> names;
  for (const auto& variable : info.variables) names.push_back(variable.name);
  return names;
}

std::string only_variable(const OpenFile& file) {
  const auto names = names_of(describe_file(file));
  if (names.size() == 1) return names.front();
  if (names.empty())
    throw Error(ErrorCode::invalid, "the file has no variable with rows and columns")
        .at(place_of(file.path));
  throw Error(ErrorCode::invalid, fmt::format("the file has several variables: {}", list_of(names)))
      .at(place_of(file.path))
      .hint(fmt::format(
          "name one, as in {}",
          ArrayAddress{.format = file.format, .file = file.path, .variable = names[0]}.text()));
}

std::shared_ptr<GDALMDArray> array_of(const OpenFile& file, const std::string& variable) {
  auto array = file.root->OpenMDArrayFromFullname("/" + variable);
  if (array && is_raster(*file.root, *array)) return array;
  const auto names = names_of(describe_file(file));
  throw Error(ErrorCode::missing,
              array ? fmt::format("the variable '{}' has no rows and columns", variable)
                    : fmt::format("the file has no variable '{}'", variable))
      .at(place_of(file.path))
      .hint(spelling_hint(variable, names));
}

// An index for each dimension before rows and columns.
std::vector<GUInt64> plane_index(const ArrayVariable& variable, const std::vector<int64_t>& index,
                                 const std::string& path) {
  const auto& leading = variable.leading;
  const bool single =
      std::all_of(leading.begin(), leading.end(), [](const auto& d) { return d.size == 1; });
  if (index.empty() && single) return std::vector<GUInt64>(leading.size(), 0);
  std::vector<std::string> sizes;
  for (const auto& dimension : leading)
    sizes.push_back(fmt::format("{} ({})", dimension.name, dimension.size));
  const auto refusal = [&](const std::string& what) {
    return Error(ErrorCode::invalid, fmt::format("the variable '{}' has the dimensions {} before "
                                                 "rows and columns, {}",
                                                 variable.name, fmt::join(sizes, ", "), what))
        .at(place_of(path))
        .hint(fmt::format("name one plane, counted from 0, as in {}[{}]", variable.name,
                          fmt::join(std::vector<int>(leading.size(), 0), ",")));
  };
  if (index.empty()) throw refusal("and no plane of it is named");
  if (index.size() != leading.size())
    throw refusal(fmt::format("and {} indices are given", index.size()));
  std::vector<GUInt64> plane;
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] >= leading[i].size)
      throw refusal(fmt::format("and there is no plane [{}]", fmt::join(index, ",")));
    plane.push_back(static_cast<GUInt64>(index[i]));
  }
  return plane;
}

ArrayAddress address_of(const std::string& text) {
  if (auto address = array_address(text)) return *std::move(address);
  const auto format = array_format_of_name(text);
  if (!format) throw Error(ErrorCode::internal, "no array file").at(place_of(text));
  return {.format = *format, .file = text};
}

}  // namespace

struct ArrayPlane::Impl {
  std::string name;
  std::shared_ptr<OpenFile> file;
  std::shared_ptr<GDALMDArray> array;
  RasterInfo info;
  bool south_up = false;
  std::vector<GUInt64> plane;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (!file) return;
    const LibraryLock lock(file->format);
    array.reset();
  }

  void read_stored(int64_t first_row, int64_t rows, const geo::Window& window, BufferType type,
                   std::byte* buffer) const;
  void read(const geo::Window& window, BufferType type, std::byte* buffer, size_t row_stride) const;
};

// A part of a plane in the order of the file, whose rows follow each other in the buffer: drivers
// have ways of their own for other buffers, and GDAL 3.6's for HDF5 leaves samples unwritten.
void ArrayPlane::Impl::read_stored(int64_t first_row, int64_t rows, const geo::Window& window,
                                   BufferType type, std::byte* buffer) const {
  std::vector<GUInt64> start = plane;
  start.push_back(static_cast<GUInt64>(first_row));
  start.push_back(static_cast<GUInt64>(window.x));
  std::vector<size_t> count(plane.size(), 1);
  count.push_back(static_cast<size_t>(rows));
  count.push_back(static_cast<size_t>(window.width));
  const LibraryLock lock(file->format);
  const Capture capture(name);
  const bool good = array->Read(start.data(), count.data(), nullptr, nullptr,
                                GDALExtendedDataType::Create(gdal_type(type)), buffer);
  if (!good || capture.failed())
    throw capture.error(ErrorCode::corrupt, "the pixels cannot be read");
}

// A row of blocks at a time, so that no more is held beside the buffer than is decoded at once.
void ArrayPlane::Impl::read(const geo::Window& window, BufferType type, std::byte* buffer,
                            size_t row_stride) const {
  const size_t row_bytes = static_cast<size_t>(window.width) * byte_size(type);
  const int64_t block = info.bands.front().block_height;
  const int64_t first = south_up ? info.height - window.bottom() : window.y;
  const int64_t end = first + window.height;
  std::vector<std::byte> rows;
  for (int64_t row = first; row < end;) {
    const int64_t count = std::min(block - row % block, end - row);
    rows.resize(static_cast<size_t>(count) * row_bytes);
    read_stored(row, count, window, type, rows.data());
    for (int64_t i = 0; i < count; ++i) {
      const int64_t to = south_up ? end - 1 - (row + i) : row + i - first;
      std::memcpy(buffer + static_cast<size_t>(to) * row_stride,
                  rows.data() + static_cast<size_t>(i) * row_bytes, row_bytes);
    }
    row += count;
  }
}

ArrayPlane::ArrayPlane(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ArrayPlane::ArrayPlane(ArrayPlane&&) noexcept = default;
ArrayPlane& ArrayPlane::operator=(ArrayPlane&&) noexcept = default;
ArrayPlane::~ArrayPlane() = default;

ArrayPlane ArrayPlane::open(const std::string& name) {
  auto address = address_of(name);
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  impl->file = open_file(address.file, address.format);
  const LibraryLock lock(address.format);
  const Capture capture(name);
  if (address.variable.empty()) address.variable = only_variable(*impl->file);
  impl->array = array_of(*impl->file, address.variable);
  auto described = describe_array(*impl->file->root, *impl->array, address.format);
  impl->plane = plane_index(described.variable, address.index, address.file);
  impl->info = std::move(described.variable.info);
  impl->south_up = described.south_up;
  return ArrayPlane(std::move(impl));
}

const RasterInfo& ArrayPlane::info() const {
  return impl_->info;
}

void ArrayPlane::read(const geo::Window& window, BufferType type, void* buffer,
                      size_t row_stride_bytes) const {
  impl_->read(window, type, static_cast<std::byte*>(buffer), row_stride_bytes);
}

void ArrayPlane::read_overview(const geo::Window& window, BufferType type, void* buffer,
                               int64_t out_width, int64_t out_height) const {
  const size_t sample = byte_size(type);
  const auto source_of = [](int64_t i, int64_t out, int64_t size) {
    return std::min(size - 1, (2 * i + 1) * size / (2 * out));
  };
  std::vector<std::byte> row(static_cast<size_t>(window.width) * sample);
  auto* to = static_cast<std::byte*>(buffer);
  for (int64_t y = 0; y < out_height; ++y) {
    const geo::Window line{window.x, window.y + source_of(y, out_height, window.height),
                           window.width, 1};
    impl_->read(line, type, row.data(), row.size());
    for (int64_t x = 0; x < out_width; ++x, to += sample)
      std::memcpy(to,
                  row.data() + static_cast<size_t>(source_of(x, out_width, window.width)) * sample,
                  sample);
  }
}

ArrayFileInfo describe_array_file(const std::string& path) {
  const auto format = array_format_of_name(path);
  if (!format)
    throw Error(ErrorCode::invalid, "its name ends as no netCDF, HDF5 or Zarr file's")
        .at(place_of(path));
  return describe_file(*open_file(path, *format));
}

}  // namespace geoloom::gdal
