// SPDX-License-Identifier: Apache-2.0
#include "tiff/libtiff_codec.h"

#include <Lerc_c_api.h>
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "error/error.h"

namespace geoloom::tiff {
namespace {

// The file in memory that libtiff reads or writes, and what it had to say.
struct MemoryFile {
  std::vector<std::byte> bytes;
  size_t position = 0;
  std::string message;  // the first error or warning
};

MemoryFile& file_of(thandle_t handle) {
  return *static_cast<MemoryFile*>(handle);
}

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t count) {
  MemoryFile& file = file_of(handle);
  const size_t left = file.bytes.size() - std::min(file.position, file.bytes.size());
  const size_t taken = std::min(left, static_cast<size_t>(count));
  if (taken > 0) std::memcpy(to, file.bytes.data() + file.position, taken);
  file.position += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_bytes(thandle_t handle, void* from, tmsize_t count) {
  MemoryFile& file = file_of(handle);
  const size_t end = file.position + static_cast<size_t>(count);
  if (end > file.bytes.size()) file.bytes.resize(end);
  if (count > 0) std::memcpy(file.bytes.data() + file.position, from, static_cast<size_t>(count));
  file.position = end;
  return count;
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = file_of(handle);
  const toff_t base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? file.position
                                           : file.bytes.size();
  file.position = static_cast<size_t>(base + offset);
  return file.position;
}

int close_file(thandle_t) {
  return 0;
}

toff_t size_of(thandle_t handle) {
  return file_of(handle).bytes.size();
}

// Handlers of this file alone: libtiff's global ones print, and are GDAL's to set.
int keep_message(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
  auto& message = static_cast<MemoryFile*>(user_data)->message;
  if (!message.empty()) return 1;
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  message = text;
  return 1;
}

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, CloseTiff>;

TiffHandle open(MemoryFile& file, const char* mode, size_t largest_allocation) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  if (!options) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(largest_allocation));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, &file);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), keep_message, &file);
  return TiffHandle(TIFFClientOpenExt("block", mode, &file, read_bytes, write_bytes, seek,
                                      close_file, size_of, nullptr, nullptr, options.get()));
}

// A directory with one strip, in the byte order that the block's samples have.
class Directory {
 public:
  explicit Directory(bool big_endian) : big_endian_(big_endian) {}

  void add(uint16_t tag, uint16_t type, std::vector<uint32_t> values) {
    entries_.push_back({tag, type, std::move(values), {}});
  }
  void add_bytes(uint16_t tag, const std::string& bytes) {
    entries_.push_back({tag, TIFF_UNDEFINED, {}, bytes});
  }

  std::vector<std::byte> file() const {
    std::vector<std::byte> out;
    const char* order = big_endian_ ? "MM" : "II";
    for (int i = 0; i < 2; ++i) out.push_back(static_cast<std::byte>(order[i]));
    put(out, 42, 2);
    put(out, 8, 4);
    put(out, static_cast<uint32_t>(entries_.size()), 2);
    std::vector<std::byte> rest;  // values that do not fit an entry
    const auto rest_at = static_cast<uint32_t>(8 + 2 + entries_.size() * 12 + 4);
    for (const Entry& entry : entries_) put_entry(out, rest, rest_at, entry);
    put(out, 0, 4);
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  }

 private:
  struct Entry {
    uint16_t tag, type;
    std::vector<uint32_t> values;
    std::string bytes;
  };

  void put(std::vector<std::byte>& out, uint32_t value, int bytes) const {
    for (int i = 0; i < bytes; ++i)
      out.push_back(static_cast<std::byte>(value >> (8 * (big_endian_ ? bytes - 1 - i : i))));
  }

  void put_entry(std::vector<std::byte>& out, std::vector<std::byte>& rest, uint32_t rest_at,
                 const Entry& entry) const {
    std::vector<std::byte> values;
    for (const uint32_t value : entry.values) put(values, value, entry.type == TIFF_SHORT ? 2 : 4);
    for (const char c : entry.bytes) values.push_back(static_cast<std::byte>(c));
    put(out, entry.tag, 2);
    put(out, entry.type, 2);
    put(out, static_cast<uint32_t>(entry.bytes.size() + entry.values.size()), 4);
    if (values.size() > 4) {
      put(out, rest_at + static_cast<uint32_t>(rest.size()), 4);
      rest.insert(rest.end(), values.begin(), values.end());
      return;
    }
    values.resize(4);
    out.insert(out.end(), values.begin(), values.end());
  }

  const bool big_endian_;
  std::vector<Entry> entries_;
};

// What a block tells of its own coding and the tags of its file say, too: libtiff wants both to
// agree.
struct Coding {
  std::pair<uint32_t, uint32_t> jpeg_sampling{1, 1};  // of luminance: columns, rows
  uint32_t lerc_wrapping = LERC_ADD_COMPRESSION_NONE;
  friend bool operator==(const Coding&, const Coding&) = default;
};

// The sampling factors of the first component in a JPEG stream's frame header.
std::optional<std::pair<uint32_t, uint32_t>> sampling_of(std::span<const std::byte> stream) {
  const auto at = [&](size_t i) { return std::to_integer<uint32_t>(stream[i]); };
  size_t i = 2;  // behind the start of the image
  while (i + 4 <= stream.size() && at(i) == 0xFF) {
    const uint32_t marker = at(i + 1);
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      if (i + 12 > stream.size()) break;
      return std::pair{at(i + 11) >> 4, at(i + 11) & 15};
    }
    i += 2 + (at(i + 2) << 8 | at(i + 3));
  }
  return std::nullopt;
}

Coding coding_of(const BlockFormat& format, std::span<const std::byte> encoded) {
  Coding coding;
  if (format.compression == Compression::jpeg && format.photometric == Photometric::ycbcr) {
    // Without a frame header libtiff's decoder says what is wrong.
    coding.jpeg_sampling = sampling_of(encoded).value_or(std::pair{2U, 2U});
  }
  if (format.compression == Compression::lerc && encoded.size() >= 4) {
    constexpr unsigned char kZstd[] = {0x28, 0xB5, 0x2F, 0xFD};
    if (std::memcmp(encoded.data(), kZstd, sizeof kZstd) == 0)
      coding.lerc_wrapping = LERC_ADD_COMPRESSION_ZSTD;
    else if (encoded[0] == std::byte{0x78})  // LERC itself begins with a letter of its name
      coding.lerc_wrapping = LERC_ADD_COMPRESSION_DEFLATE;
  }
  return coding;
}

std::vector<std::byte> synthetic_file(const BlockFormat& format, const Coding& coding) {
  const auto samples = static_cast<size_t>(format.samples);
  const auto shorts = [&](auto value) {
    return std::vector<uint32_t>(samples, static_cast<uint32_t>(value));
  };
  // JPEG and LERC have a byte order of their own.
  Directory tags(format.big_endian && (format.compression == Compression::lzw ||
                                       format.compression == Compression::deflate));
  const bool jpeg = format.compression == Compression::jpeg;
  const bool ycbcr = jpeg && format.photometric == Photometric::ycbcr;
  const uint32_t photometric = ycbcr          ? PHOTOMETRIC_YCBCR
                               : samples >= 3 ? PHOTOMETRIC_RGB
                                              : PHOTOMETRIC_MINISBLACK;
  tags.add(TIFFTAG_IMAGEWIDTH, TIFF_LONG, {static_cast<uint32_t>(format.width)});
  tags.add(TIFFTAG_IMAGELENGTH, TIFF_LONG, {static_cast<uint32_t>(format.height)});
  tags.add(TIFFTAG_BITSPERSAMPLE, TIFF_SHORT, shorts(format.bits));
  tags.add(TIFFTAG_COMPRESSION, TIFF_SHORT, {static_cast<uint32_t>(format.compression)});
  tags.add(TIFFTAG_PHOTOMETRIC, TIFF_SHORT, {photometric});
  tags.add(TIFFTAG_STRIPOFFSETS, TIFF_LONG, {8});  // not looked at
  tags.add(TIFFTAG_SAMPLESPERPIXEL, TIFF_SHORT, {static_cast<uint32_t>(samples)});
  tags.add(TIFFTAG_ROWSPERSTRIP, TIFF_LONG, {static_cast<uint32_t>(format.height)});
  tags.add(TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, {1});
  tags.add(TIFFTAG_PLANARCONFIG, TIFF_SHORT, {PLANARCONFIG_CONTIG});
  if (format.predictor != Predictor::none)
    tags.add(TIFFTAG_PREDICTOR, TIFF_SHORT, {static_cast<uint32_t>(format.predictor)});
  tags.add(TIFFTAG_SAMPLEFORMAT, TIFF_SHORT, shorts(format.sample_format));
  if (jpeg && !format.jpeg_tables.empty()) tags.add_bytes(TIFFTAG_JPEGTABLES, format.jpeg_tables);
  if (ycbcr)
    tags.add(TIFFTAG_YCBCRSUBSAMPLING, TIFF_SHORT,
             {coding.jpeg_sampling.first, coding.jpeg_sampling.second});
  if (format.compression == Compression::lerc)
    tags.add(TIFFTAG_LERC_PARAMETERS, TIFF_LONG, {LERC_VERSION_2_4, coding.lerc_wrapping});
  return tags.file();
}

bool same(const BlockFormat& a, const BlockFormat& b) {
  return a.width == b.width && a.height == b.height && a.samples == b.samples && a.bits == b.bits &&
         a.sample_format == b.sample_format && a.compression == b.compression &&
         a.predictor == b.predictor && a.big_endian == b.big_endian &&
         a.photometric == b.photometric && a.jpeg_tables == b.jpeg_tables;
}

// Room for a codec's own buffers; a stream that asks for more is hostile.
size_t largest_allocation(const BlockFormat& format) {
  return 4 * format.bytes() + (size_t{32} << 20);
}

void check(const BlockFormat& format, size_t bytes) {
  const bool plausible = LibtiffCodec::handles(format.compression) && format.width > 0 &&
                         format.height > 0 && format.samples > 0 && format.samples <= 65535 &&
                         ((format.bits == 1 && format.samples == 1) || format.bits == 8 ||
                          format.bits == 16 || format.bits == 32 || format.bits == 64) &&
                         format.bytes() == bytes && bytes < (size_t{1} << 31);
  if (!plausible)
    throw Error(ErrorCode::internal,
                fmt::format("no block of {} x {} pixels, {} samples of {} bits and {} bytes",
                            format.width, format.height, format.samples, format.bits, bytes));
}

constexpr const char* kDecodingFailed = "a block cannot be decoded";
constexpr const char* kEncodingFailed = "a block cannot be encoded";

[[noreturn]] void fail(ErrorCode code, const char* what, const std::string& message) {
  throw Error(code, what).cause(message.empty() ? "libtiff gives no reason" : message);
}

void describe(TIFF* tiff, const BlockFormat& format, const EncodingOptions& options) {
  const bool ycbcr = format.photometric == Photometric::ycbcr;
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(format.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(format.height));
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, static_cast<uint32_t>(format.height));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, format.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, format.samples);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, static_cast<int>(format.sample_format));
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, static_cast<int>(format.photometric));
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, static_cast<int>(format.compression));
  if (format.predictor != Predictor::none)
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, static_cast<int>(format.predictor));
  if (format.compression == Compression::jpeg) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, options.quality);
    TIFFSetField(tiff, TIFFTAG_JPEGTABLESMODE, 0);
    if (ycbcr) {
      TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
  }
}

// The numbers by which LERC knows types.
unsigned lerc_type(const BlockFormat& format) {
  const bool is_signed = format.sample_format == SampleFormat::signed_integer;
  if (format.sample_format == SampleFormat::floating_point) return format.bits == 32 ? 6 : 7;
  return (format.bits == 8 ? 0U : format.bits == 16 ? 2U : 4U) + (is_signed ? 0U : 1U);
}

bool has_nan(const BlockFormat& format, std::span<const std::byte> pixels) {
  if (format.sample_format != SampleFormat::floating_point || format.bits != 32) return false;
  for (size_t i = 0; i < pixels.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, pixels.data() + i, sizeof value);
    if (std::isnan(value)) return true;
  }
  return false;
}

// Past libtiff: LERC leaves bytes of its output as it finds them, and libtiff gives it what the
// heap happens to hold.
void encode_lerc(const BlockFormat& format, double max_z_error, std::span<const std::byte> pixels,
                 std::vector<std::byte>& encoded) {
  constexpr int kVersion = 4;  // what libtiff writes
  if (has_nan(format, pixels))
    fail(ErrorCode::internal, kEncodingFailed,
         "LERC holds no NaN; a mask has to say what is valid");
  // Incompressible blocks are stored as they are, behind a header and a range for each sample.
  encoded.assign(pixels.size() + 1024 + 16 * static_cast<size_t>(format.samples), std::byte{0});
  unsigned written = 0;
  const lerc_status status = lerc_encodeForVersion(
      pixels.data(), kVersion, lerc_type(format), format.samples, format.width, format.height, 1, 0,
      nullptr, max_z_error, reinterpret_cast<unsigned char*>(encoded.data()),
      static_cast<unsigned>(encoded.size()), &written);
  if (status != 0)
    fail(ErrorCode::internal, kEncodingFailed, fmt::format("LERC ends with status {}", status));
  encoded.resize(written);
}

}  // namespace

// The file of the format that was decoded last. It stays in place: libtiff holds its address.
struct LibtiffCodec::Decoder {
  BlockFormat format;
  Coding coding;
  MemoryFile file;
  TiffHandle tiff;
};

LibtiffCodec::LibtiffCodec() = default;
LibtiffCodec::LibtiffCodec(LibtiffCodec&&) noexcept = default;
LibtiffCodec& LibtiffCodec::operator=(LibtiffCodec&&) noexcept = default;
LibtiffCodec::~LibtiffCodec() = default;

bool LibtiffCodec::handles(Compression compression) {
  return compression == Compression::lzw || compression == Compression::jpeg ||
         compression == Compression::lerc || compression == Compression::deflate;
}

void LibtiffCodec::decode(const BlockFormat& format, std::span<const std::byte> encoded,
                          std::span<std::byte> pixels) {
  check(format, pixels.size());
  if (encoded.empty()) fail(ErrorCode::corrupt, kDecodingFailed, "it is empty");
  const Coding coding = coding_of(format, encoded);
  if (!decoder_ || !same(decoder_->format, format) || !(decoder_->coding == coding)) {
    auto fresh = std::make_unique<Decoder>();
    fresh->format = format;
    fresh->coding = coding;
    fresh->file.bytes = synthetic_file(format, coding);
    fresh->tiff = open(fresh->file, "rm", largest_allocation(format));
    if (!fresh->tiff) fail(ErrorCode::corrupt, kDecodingFailed, fresh->file.message);
    if (format.compression == Compression::jpeg && format.photometric == Photometric::ycbcr)
      TIFFSetField(fresh->tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    decoder_ = std::move(fresh);
  }
  decoder_->file.message.clear();
  // libtiff only reads these bytes: the fill order of the file is that of the processor.
  auto* input = const_cast<std::byte*>(encoded.data());
  const int done =
      TIFFReadFromUserBuffer(decoder_->tiff.get(), 0, input, static_cast<tmsize_t>(encoded.size()),
                             pixels.data(), static_cast<tmsize_t>(pixels.size()));
  const std::string message = decoder_->file.message;
  if (done != 0 && message.empty()) return;
  decoder_.reset();  // a decoder that has failed may be in any state
  fail(ErrorCode::corrupt, kDecodingFailed, message);
}

void LibtiffCodec::encode(const BlockFormat& format, const EncodingOptions& options,
                          std::span<const std::byte> pixels, std::vector<std::byte>& encoded) {
  check(format, pixels.size());
  if (format.compression == Compression::lerc)
    return encode_lerc(format, options.max_z_error, pixels, encoded);
  MemoryFile file;
  file.bytes.reserve(format.bytes() / 2);
  const TiffHandle tiff = open(file, "wl", largest_allocation(format));
  if (!tiff) fail(ErrorCode::internal, kEncodingFailed, file.message);
  describe(tiff.get(), format, options);
  auto* input = const_cast<std::byte*>(pixels.data());  // only read
  const tmsize_t written =
      TIFFWriteEncodedStrip(tiff.get(), 0, input, static_cast<tmsize_t>(pixels.size()));
  if (written < 0 || !file.message.empty())
    fail(ErrorCode::internal, kEncodingFailed, file.message);
  const uint64_t offset = TIFFGetStrileOffset(tiff.get(), 0);
  const uint64_t count = TIFFGetStrileByteCount(tiff.get(), 0);
  if (count == 0 || offset + count > file.bytes.size())
    fail(ErrorCode::internal, kEncodingFailed, "nothing was written");
  const auto first = file.bytes.begin() + static_cast<ptrdiff_t>(offset);
  encoded.assign(first, first + static_cast<ptrdiff_t>(count));
}

}  // namespace geoloom::tiff
