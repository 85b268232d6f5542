// SPDX-License-Identifier: Apache-2.0
#include "gdal/random_access_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "gdal/array_address.h"
#include "gdal/handles.h"
#include "gdal/web_file.h"

namespace geoloom::gdal {
namespace {

// Of a header that is not at the beginning, what comes in one piece.
constexpr size_t kHeaderBytes = size_t{32} << 10;

using VirtualFile = std::unique_ptr<VSILFILE, int (*)(VSILFILE*)>;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

// Headers come through GDAL's cache of a server's answers, where GDAL will look for them too.
bool read_through_cache(VSILFILE* file, const ByteRange& range) {
  return VSIFSeekL(file, range.offset, SEEK_SET) == 0 &&
         VSIFReadL(range.to, 1, range.bytes, file) == range.bytes;
}

// One call for all ranges: GDAL joins neighbours and asks for several at a time.
bool read_ranges(VSILFILE* file, std::span<const ByteRange> ranges) {
  std::vector<void*> targets;
  std::vector<vsi_l_offset> offsets;
  std::vector<size_t> sizes;
  for (const ByteRange& range : ranges) {
    targets.push_back(range.to);
    offsets.push_back(range.offset);
    sizes.push_back(range.bytes);
  }
  return VSIFReadMultiRangeL(static_cast<int>(ranges.size()), targets.data(), offsets.data(),
                             sizes.data(), file) == 0;
}

}  // namespace

namespace {

std::string version_text(const struct stat& status) {
  return fmt::format("{}:{}:{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace

struct RandomAccessFile::Impl {
  explicit Impl(std::string name) : path(std::move(name)) {}

  void open_local(const std::string& checked);
  void open_virtual(const std::string& checked);
  void read_local(const ByteRange& range) const;
  void read_virtual(std::span<const ByteRange> ranges) const;
  void read_header(const ByteRange& piece);
  void read_web_header(const ByteRange& piece);
  [[noreturn]] void throw_virtual(const Capture& capture) const;
  void check_inside(const ByteRange& range) const {
    if (range.offset > size || range.bytes > size - range.offset) throw_too_short();
  }
  [[noreturn]] void throw_too_short() const {
    throw Error(ErrorCode::corrupt, fmt::format("the file ends after {} bytes, in the middle of "
                                                "its data",
                                                size))
        .at({.file = path});
  }

  std::string path;
  uint64_t size = 0;
  std::string version;
  std::unique_ptr<Descriptor> descriptor;
  VirtualFile virtual_file{nullptr, &VSIFCloseL};
  std::shared_ptr<const WebFile> web_file;
  std::vector<std::byte> header;  // a part of the web file
  uint64_t header_offset = 0;
};

void RandomAccessFile::Impl::open_local(const std::string& checked) {
  descriptor = std::make_unique<Descriptor>(::open(checked.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (descriptor->get() < 0 || ::fstat(descriptor->get(), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    first_bytes(path, 1);  // throws what is wrong with it
    throw Error(ErrorCode::invalid, "this is not a file").at({.file = path});
  }
  size = static_cast<uint64_t>(status.st_size);
  version = version_text(status);
}

void RandomAccessFile::Impl::open_virtual(const std::string& checked) {
  web_file = WebFile::open(checked);
  if (web_file) {
    size = web_file->size();
    version = web_file->version();
    return;
  }
  const Capture capture(path);
  virtual_file.reset(VSIFOpenL(checked.c_str(), "rb"));
  if (!virtual_file || VSIFSeekL(virtual_file.get(), 0, SEEK_END) != 0) {
    first_bytes(path, 1);
    throw capture.error(ErrorCode::unavailable, "the file cannot be opened");
  }
  size = VSIFTellL(virtual_file.get());
  // Known since it was opened, so this asks nobody.
  VSIStatBufL status{};
  if (VSIStatExL(checked.c_str(), &status, VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG) == 0)
    version = fmt::format("{}:{}", size, static_cast<int64_t>(status.st_mtime));
}

void RandomAccessFile::Impl::read_local(const ByteRange& range) const {
  size_t done = 0;
  while (done < range.bytes) {
    const ssize_t got = ::pread(descriptor->get(), range.to + done, range.bytes - done,
                                static_cast<off_t>(range.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      throw Error(ErrorCode::unavailable, "the file cannot be read")
          .at({.file = path})
          .cause(std::generic_category().message(errno));
    if (got == 0) throw_too_short();
    done += static_cast<size_t>(got);
  }
}

void RandomAccessFile::Impl::read_virtual(std::span<const ByteRange> ranges) const {
  const Capture capture(path);
  if (read_ranges(virtual_file.get(), ranges) && !capture.failed()) return;
  throw_virtual(capture);
}

void RandomAccessFile::Impl::read_header(const ByteRange& piece) {
  if (web_file) return read_web_header(piece);
  if (!virtual_file) return read_local(piece);
  const Capture capture(path);
  if (!read_through_cache(virtual_file.get(), piece) || capture.failed()) throw_virtual(capture);
}

void RandomAccessFile::Impl::read_web_header(const ByteRange& piece) {
  if (piece.offset + piece.bytes <= web_file->known_bytes() || piece.bytes > kHeaderBytes)
    return web_file->read({&piece, 1});
  const bool there =
      piece.offset >= header_offset && piece.offset + piece.bytes <= header_offset + header.size();
  if (!there) {
    std::vector<std::byte> bytes(std::min<uint64_t>(kHeaderBytes, size - piece.offset));
    const ByteRange around{piece.offset, bytes.size(), bytes.data()};
    web_file->read({&around, 1});
    header = std::move(bytes);
    header_offset = piece.offset;
  }
  std::memcpy(piece.to, header.data() + (piece.offset - header_offset), piece.bytes);
}

void RandomAccessFile::Impl::throw_virtual(const Capture& capture) const {
  if (!capture.remote_code()) first_bytes(path, 1);
  throw capture.error(ErrorCode::unavailable, "the file cannot be read");
}

RandomAccessFile::RandomAccessFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RandomAccessFile::RandomAccessFile(RandomAccessFile&&) noexcept = default;
RandomAccessFile& RandomAccessFile::operator=(RandomAccessFile&&) noexcept = default;
RandomAccessFile::~RandomAccessFile() = default;

RandomAccessFile RandomAccessFile::open(const std::string& path) {
  initialise();
  const std::string checked = checked_path(path);
  auto impl = std::make_unique<Impl>(path);
  if (checked.starts_with("/vsi"))
    impl->open_virtual(checked);
  else
    impl->open_local(checked);
  return RandomAccessFile(std::move(impl));
}

std::string local_version(const std::string& name) {
  const std::string path = file_of(name);
  struct stat status {};
  if (path.starts_with("/vsi") || ::stat(path.c_str(), &status) != 0) return {};
  return version_text(status);
}

uint64_t RandomAccessFile::size() const {
  return impl_->size;
}
bool RandomAccessFile::remote() const {
  return is_remote(impl_->path);
}
const std::string& RandomAccessFile::version() const {
  return impl_->version;
}

void RandomAccessFile::read(std::span<const ByteRange> ranges) const {
  for (const ByteRange& range : ranges) impl_->check_inside(range);
  if (ranges.empty()) return;
  if (impl_->web_file) return impl_->web_file->read(ranges);
  if (impl_->virtual_file) return impl_->read_virtual(ranges);
  for (const ByteRange& range : ranges) impl_->read_local(range);
}

void RandomAccessFile::read_header(const ByteRange& piece) const {
  impl_->check_inside(piece);
  if (piece.bytes > 0) impl_->read_header(piece);
}

}  // namespace geoloom::gdal
