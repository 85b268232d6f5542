// SPDX-License-Identifier: Apache-2.0
#include "gdal/array_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gdal_frmts.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "error/spelling.h"
#include "gdal/array_description.h"
#include "gdal/random_access_file.h"
#include "gdal/raster_description.h"

// A GDAL built without one of them lacks the symbol; that is told when such a file is opened.
CPL_C_START
__attribute__((weak)) void GDALRegister_netCDF();
__attribute__((weak)) void GDALRegister_HDF4();
__attribute__((weak)) void GDALRegister_HDF5();
__attribute__((weak)) void GDALRegister_Zarr();
CPL_C_END

namespace geoloom::gdal {
namespace {

constexpr int kDeepestGroup = 16;
constexpr size_t kMostVariables = 10'000;

// The netCDF library stands on that of HDF5, which is not made for threads, nor is that of HDF4,
// and GDAL has a lock for each that the others do not know. Recursive: who opens may close what
// others have left.
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
    case ArrayFormat::hdf4:
      return {"HDF4", &GDALRegister_HDF4};
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
        .at({.file = path})
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
        .at({.file = path})
        .hint("copy the file first");
  if (format == ArrayFormat::zarr) {
    const auto status = file_status(path);
    if (!status) throw Error(ErrorCode::missing, "there is no such folder").at({.file = path});
    if (!status->directory)
      throw Error(ErrorCode::invalid, "a Zarr store is a folder").at({.file = path});
    return;
  }
  const auto start = first_bytes(path, 1024);
  const auto kind = looks_like(start);
  if (start.empty()) throw Error(ErrorCode::corrupt, "the file is empty").at({.file = path});
  const bool fits =
      format == ArrayFormat::hdf4
          ? kind == "HDF4"
          : kind == "HDF5 or netCDF" || (format == ArrayFormat::netcdf && kind == "netCDF");
  if (fits) return;
  Error refusal(ErrorCode::invalid, fmt::format("this is no {} file{}", name(format),
                                                kind.empty() ? "" : ": it looks like " + kind));
  if (kind == "HDF4") refusal.hint("let its name end in .hdf");
  if (kind == "HDF5 or netCDF") refusal.hint("let its name end in .h5 or .nc");
  throw std::move(refusal).at({.file = path});
}

// Planes of one version of a file share it: a series has one for each date and band. Under the
// lock.
std::weak_ptr<OpenFile>& shared_file(const std::string& path) {
  static std::map<std::string, std::weak_ptr<OpenFile>> files;
  std::erase_if(files, [](const auto& each) { return each.second.expired(); });
  return files[path + ":" + local_version(path)];
}

// HDF4's library has places for 32 files, and HDF-EOS for 200 grids, in a process. So its planes
// open their file for each read, and the files read last stay open, because reading a product's
// metadata takes longer than a tile's pixels. Under the lock; first called after the library was
// used, so that it is there when this ends.
void keep_open(const std::shared_ptr<OpenFile>& file) {
  constexpr size_t kMost = 12;
  static std::deque<std::shared_ptr<OpenFile>> recent;
  std::erase(recent, file);
  recent.push_back(file);
  if (recent.size() > kMost) recent.pop_front();
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
    if (auto open = known->lock()) {
      if (format == ArrayFormat::hdf4) keep_open(open);
      return open;
    }
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
  if (format == ArrayFormat::hdf4) keep_open(file);
  return file;
}

void add_variables(const OpenFile& file, const GDALGroup& group, int depth, ArrayFileInfo& info) {
  for (const auto& name : group.GetMDArrayNames()) {
    const auto array = group.OpenMDArray(name);
    if (!array || !is_raster(*file.root, *array)) continue;
    if (info.variables.size() >= kMostVariables)
      throw Error(ErrorCode::invalid,
                  fmt::format("the file has more than {} variables", kMostVariables))
          .at({.file = file.path});
    info.variables.push_back(describe_array(*file.root, *array, file.format).variable);
  }
  for (const auto& name : group.GetGroupNames())
    if (const auto inner = group.OpenGroup(name); inner && depth < kDeepestGroup)
      add_variables(file, *inner, depth + 1, info);
}

// Fields of grids go by their own names.
void name_bands(std::vector<ArrayVariable>& variables) {
  const auto field_of = [](const ArrayVariable& variable) {
    return variable.name.substr(variable.name.rfind('/') + 1);
  };
  std::map<std::string, int> count;
  for (const auto& variable : variables) ++count[field_of(variable)];
  for (auto& variable : variables)
    if (auto field = field_of(variable); count[field] == 1) variable.band = std::move(field);
}

ArrayFileInfo describe_file(const OpenFile& file) {
  const LibraryLock lock(file.format);
  const Capture capture(file.path);
  ArrayFileInfo info;
  info.format = file.format;
  add_variables(file, *file.root, 0, info);
  if (file.format == ArrayFormat::hdf4) name_bands(info.variables);
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
        .at({.file = file.path});
  throw Error(ErrorCode::invalid, fmt::format("the file has several variables: {}", list_of(names)))
      .at({.file = file.path})
      .hint(fmt::format(
          "name one, as in {}",
          ArrayAddress{.format = file.format, .file = file.path, .variable = names[0]}.text()));
}

// An array with the groups around it: HDF4's dimensions know their coordinates only as long as the
// group that they were found in is there.
struct OpenArray {
  std::vector<std::shared_ptr<GDALGroup>> groups;
  std::shared_ptr<GDALMDArray> array;
};

// GDAL opens HDF4's data sets below grids a second time, without their coordinates.
bool is_listed(const OpenFile& file, const std::string& full_name) {
  if (file.format != ArrayFormat::hdf4) return true;
  const auto group = full_name.substr(1, full_name.find('/', 1) - 1);
  const auto groups = file.root->GetGroupNames();
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

OpenArray open_array(const OpenFile& file, std::string_view full_name) {
  OpenArray opened{.groups = {file.root}, .array = nullptr};
  full_name.remove_prefix(1);
  for (size_t slash = full_name.find('/'); slash != std::string_view::npos;
       slash = full_name.find('/')) {
    auto inner = opened.groups.back()->OpenGroup(std::string(full_name.substr(0, slash)));
    if (!inner) return opened;
    opened.groups.push_back(std::move(inner));
    full_name.remove_prefix(slash + 1);
  }
  opened.array = opened.groups.back()->OpenMDArray(std::string(full_name));
  return opened;
}

OpenArray array_of(const OpenFile& file, const std::string& variable) {
  const auto full_name = full_name_of(variable, file.format);
  auto opened = is_listed(file, full_name) ? open_array(file, full_name) : OpenArray{};
  const auto& array = opened.array;
  if (array && is_raster(*file.root, *array)) return opened;
  const auto info = describe_file(file);
  for (const auto& each : info.variables)
    if (each.band == variable && each.name != variable)
      return open_array(file, full_name_of(each.name, file.format));
  const auto names = names_of(info);
  throw Error(ErrorCode::missing,
              array ? fmt::format("the variable '{}' has no rows and columns", variable)
                    : fmt::format("the file has no variable '{}'", variable))
      .at({.file = file.path})
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
        .at({.file = path})
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
  if (!format) throw Error(ErrorCode::internal, "no array file").at({.file = text});
  return {.format = *format, .file = text};
}

}  // namespace

struct ArrayPlane::Impl {
  std::string name;
  ArrayAddress address;
  std::shared_ptr<OpenFile> file;  // with the array, but of HDF4
  std::shared_ptr<GDALMDArray> array;
  RasterInfo info;
  bool south_up = false;
  double wrap = 0;
  std::vector<GUInt64> plane;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (!file) return;
    const LibraryLock lock(file->format);
    array.reset();
  }

  void read_stored(GDALMDArray& from, int64_t first_row, int64_t rows, const geo::Window& window,
                   BufferType type, std::byte* buffer) const;
  void read(const geo::Window& window, BufferType type, std::byte* buffer, size_t row_stride) const;
};

// A part of a plane in the order of the file, whose rows follow each other in the buffer: drivers
// have ways of their own for other buffers, and GDAL 3.6's for HDF5 leaves samples unwritten.
void ArrayPlane::Impl::read_stored(GDALMDArray& from, int64_t first_row, int64_t rows,
                                   const geo::Window& window, BufferType type,
                                   std::byte* buffer) const {
  std::vector<GUInt64> start = plane;
  start.push_back(static_cast<GUInt64>(first_row));
  start.push_back(static_cast<GUInt64>(window.x));
  std::vector<size_t> count(plane.size(), 1);
  count.push_back(static_cast<size_t>(rows));
  count.push_back(static_cast<size_t>(window.width));
  const LibraryLock lock(address.format);
  const Capture capture(name);
  const auto read_as = [&](GDALDataType as, void* to) {
    const bool good = from.Read(start.data(), count.data(), nullptr, nullptr,
                                GDALExtendedDataType::Create(as), to);
    if (!good || capture.failed())
      throw capture.error(ErrorCode::corrupt, "the pixels cannot be read");
  };
  if (wrap == 0) return read_as(gdal_type(type), buffer);
  std::vector<double> samples(static_cast<size_t>(rows * window.width));
  read_as(GDT_Float64, samples.data());
  for (double& sample : samples)
    if (sample < 0) sample += wrap;
  GDALCopyWords64(samples.data(), GDT_Float64, sizeof(double), buffer, gdal_type(type),
                  static_cast<int>(byte_size(type)), static_cast<GPtrDiff_t>(samples.size()));
}

// A row of blocks at a time, so that no more is held beside the buffer than is decoded at once.
void ArrayPlane::Impl::read(const geo::Window& window, BufferType type, std::byte* buffer,
                            size_t row_stride) const {
  const size_t row_bytes = static_cast<size_t>(window.width) * byte_size(type);
  const int64_t block = info.bands.front().block_height;
  const int64_t first = south_up ? info.height - window.bottom() : window.y;
  const int64_t end = first + window.height;
  std::optional<LibraryLock> lock;
  OpenArray opened{.groups = {}, .array = array};
  if (!array) {
    lock.emplace(address.format);
    opened = array_of(*open_file(address.file, address.format), address.variable);
  }
  std::vector<std::byte> rows;
  for (int64_t row = first; row < end;) {
    const int64_t count = std::min(block - row % block, end - row);
    rows.resize(static_cast<size_t>(count) * row_bytes);
    read_stored(*opened.array, row, count, window, type, rows.data());
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
  const LibraryLock lock(address.format);
  const auto file = open_file(address.file, address.format);
  const Capture capture(name);
  if (address.variable.empty()) address.variable = only_variable(*file);
  const auto opened = array_of(*file, address.variable);
  auto described = describe_array(*file->root, *opened.array, address.format);
  impl->plane = plane_index(described.variable, address.index, address.file);
  impl->info = std::move(described.variable.info);
  impl->south_up = described.south_up;
  impl->wrap = described.wrap;
  impl->address = std::move(address);
  if (impl->address.format == ArrayFormat::hdf4) return ArrayPlane(std::move(impl));
  impl->file = file;
  impl->array = opened.array;
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
        .at({.file = path});
  return describe_file(*open_file(path, *format));
}

}  // namespace geoloom::gdal
