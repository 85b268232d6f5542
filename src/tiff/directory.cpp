// SPDX-License-Identifier: Apache-2.0
#include "tiff/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "error/error.h"
#include "store/checksum.h"

namespace geoloom::tiff {
namespace {

// One request for the header of a remote file; a COG with a few thousand blocks fits.
constexpr size_t kHeaderBytes = size_t{32} << 10;
constexpr size_t kMostDirectories = 128;
constexpr size_t kMostTags = 1024;
constexpr uint64_t kMostTagBytes = uint64_t{4} << 20;  // colour maps, metadata
constexpr int64_t kMostBlocks = int64_t{4} << 20;
constexpr size_t kMostBlockBytes = size_t{64} << 20;
constexpr int64_t kMostPixelsAcross = int64_t{1} << 31;
constexpr int kMostSamples = 10000;

[[noreturn]] void corrupt(const std::string& message) {
  throw Error(ErrorCode::corrupt, message);
}

bool is_block_table(uint16_t number) {
  switch (static_cast<TagNumber>(number)) {
    case TagNumber::strip_offsets:
    case TagNumber::strip_sizes:
    case TagNumber::tile_offsets:
    case TagNumber::tile_sizes:
      return true;
    default:
      return false;
  }
}

// Bytes of the header; `start` holds the file's first ones.
void read_header(const gdal::RandomAccessFile& file, const std::vector<std::byte>& start,
                 uint64_t offset, std::byte* to, size_t bytes) {
  if (offset > file.size() || bytes > file.size() - offset)
    corrupt(fmt::format("the header refers to byte {} of a file of {}", offset, file.size()));
  if (bytes == 0) return;
  if (offset + bytes <= start.size()) {
    std::memcpy(to, start.data() + offset, bytes);
    return;
  }
  file.read_header({offset, bytes, to});
}

void swap_each(std::byte* bytes, size_t count, size_t size) {
  for (size_t i = 0; i < count; ++i) std::reverse(bytes + i * size, bytes + (i + 1) * size);
}

// The parts of a value that have a byte order: rationals are two numbers.
size_t swap_unit(uint16_t type) {
  return type == 5 || type == 10 ? 4 : byte_size_of_type(type);
}

class TagParser {
 public:
  explicit TagParser(const gdal::RandomAccessFile& source) : source_(source) {}

  TagFile parse() {
    std::vector<std::byte> start(std::min<uint64_t>(kHeaderBytes, source_.size()));
    read_header(source_, file_.start, 0, start.data(), start.size());
    file_.start = std::move(start);
    uint64_t next = parse_start();
    std::set<uint64_t> seen;
    while (next != 0) {
      if (!seen.insert(next).second) corrupt("the directories refer to each other in a circle");
      if (seen.size() > kMostDirectories)
        corrupt(fmt::format("more than {} directories", kMostDirectories));
      next = parse_directory(next);
    }
    if (file_.directories.empty()) corrupt("the file has no directory");
    file_.digest = digest_.hex();
    return std::move(file_);
  }

 private:
  void read(uint64_t offset, std::byte* to, size_t bytes) {
    file_.end = std::max(file_.end, offset + bytes);
    read_header(source_, file_.start, offset, to, bytes);
  }

  template <class T>
  T number(uint64_t offset) {
    std::array<std::byte, sizeof(T)> raw;
    read(offset, raw.data(), raw.size());
    if (file_.big_endian) std::reverse(raw.begin(), raw.end());
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  uint64_t parse_start() {
    std::array<char, 2> order{};
    read(0, reinterpret_cast<std::byte*>(order.data()), order.size());
    const std::string_view text(order.data(), order.size());
    if (text != "II" && text != "MM") throw Error(ErrorCode::invalid, "this is not a TIFF");
    file_.big_endian = text == "MM";
    const auto version = number<uint16_t>(2);
    if (version == 42) return number<uint32_t>(4);
    if (version != 43 || number<uint16_t>(4) != 8)
      throw Error(ErrorCode::invalid, "this is not a TIFF");
    file_.big = true;
    return number<uint64_t>(8);
  }

  // Gives the position of the next directory.
  uint64_t parse_directory(uint64_t at) {
    const uint64_t count = file_.big ? number<uint64_t>(at) : number<uint16_t>(at);
    if (count == 0 || count > kMostTags) corrupt(fmt::format("a directory of {} tags", count));
    const uint64_t entry_bytes = file_.big ? 20 : 12;
    uint64_t entry = at + (file_.big ? 8 : 2);
    TagList list;
    for (uint64_t i = 0; i < count; ++i, entry += entry_bytes)
      if (auto tag = parse_tag(entry)) list.tags.push_back(std::move(*tag));
    file_.directories.push_back(std::move(list));
    return file_.big ? number<uint64_t>(entry) : number<uint32_t>(entry);
  }

  std::optional<Tag> parse_tag(uint64_t entry) {
    Tag tag;
    tag.number = number<uint16_t>(entry);
    tag.type = number<uint16_t>(entry + 2);
    tag.count = file_.big ? number<uint64_t>(entry + 4) : number<uint32_t>(entry + 4);
    const size_t size = byte_size_of_type(tag.type);
    if (size == 0) return std::nullopt;  // of a type that came later: readers skip it
    const uint64_t field = entry + (file_.big ? 12 : 8), room = file_.big ? 8 : 4;
    const bool fits = tag.count <= room / size;
    tag.position = fits ? field : file_.big ? number<uint64_t>(field) : number<uint32_t>(field);
    const bool table = is_block_table(tag.number);
    digest_.add(fmt::format("{}.{}.{} ", tag.number, tag.type, tag.count));
    if (table) {
      if (tag.count <= source_.size() / size)
        file_.end = std::max(file_.end, tag.position + tag.count * size);
      return tag;
    }
    if (tag.count > kMostTagBytes / size) corrupt(fmt::format("tag {} is too long", tag.number));
    tag.bytes.resize(tag.count * size);
    read(tag.position, tag.bytes.data(), tag.bytes.size());
    if (file_.big_endian) {
      const size_t unit = swap_unit(tag.type);
      swap_each(tag.bytes.data(), tag.bytes.size() / unit, unit);
    }
    digest_.add({reinterpret_cast<const char*>(tag.bytes.data()), tag.bytes.size()});
    return tag;
  }

  const gdal::RandomAccessFile& source_;
  TagFile file_;
  store::PixelHash digest_;
};

uint64_t value_or(const TagList& tags, TagNumber number, uint64_t otherwise) {
  const Tag* tag = tags.find(number);
  return tag == nullptr || tag->count == 0 ? otherwise : tag->whole_number();
}

// The one value that all samples share; nullopt when they differ.
std::optional<uint64_t> common_value(const TagList& tags, TagNumber number, uint64_t otherwise) {
  const Tag* tag = tags.find(number);
  if (tag == nullptr || tag->count == 0) return otherwise;
  const uint64_t first = tag->whole_number();
  for (size_t i = 1; i < tag->count; ++i)
    if (tag->whole_number(i) != first) return std::nullopt;
  return first;
}

// Reads the tags of one image; the first thing that is left to GDAL ends it.
class Interpreter {
 public:
  Interpreter(const TagFile& file, const TagList& tags) : file_(file), tags_(tags) {}

  Readable interpret() {
    Readable result;
    result.why_not = size();
    for (const auto step : {&Interpreter::samples, &Interpreter::codec, &Interpreter::colours,
                            &Interpreter::blocks, &Interpreter::limits})
      if (result.why_not.empty()) result.why_not = (this->*step)();
    if (result.why_not.empty()) result.directory = std::move(image_);
    return result;
  }

 private:
  std::string size() {
    const uint64_t width = value_or(tags_, TagNumber::width, 0);
    const uint64_t height = value_or(tags_, TagNumber::height, 0);
    if (width == 0 || height == 0 || width > kMostPixelsAcross || height > kMostPixelsAcross)
      return "no usable size";
    image_.width = static_cast<int64_t>(width);
    image_.height = static_cast<int64_t>(height);
    const uint64_t type = value_or(tags_, TagNumber::subfile_type, 0);
    image_.reduced = (type & 1U) != 0;
    image_.mask = (type & 4U) != 0;
    return {};
  }

  std::string samples() {
    const uint64_t count = value_or(tags_, TagNumber::samples_per_pixel, 1);
    if (count == 0 || count > kMostSamples) return "no usable number of bands";
    image_.samples = static_cast<int>(count);
    image_.planes_apart = count > 1 && value_or(tags_, TagNumber::planar_configuration, 1) == 2;
    image_.block.samples = image_.planes_apart ? 1 : image_.samples;
    const auto bits = common_value(tags_, TagNumber::bits_per_sample, 1);
    const auto format = common_value(tags_, TagNumber::sample_format, 1);
    if (!bits || !format) return "bands of different types";
    const bool mask = image_.mask && *bits == 1 && count == 1;
    if (*bits != 8 && *bits != 16 && *bits != 32 && !mask)
      return fmt::format("samples of {} bits", *bits);
    image_.block.bits = static_cast<int>(*bits);
    image_.block.big_endian = file_.big_endian;
    image_.block.sample_format = static_cast<SampleFormat>(*format == 4 ? 1 : *format);
    const bool floating = *format == 3;
    if (*format > 4 || *format == 0 || floating != (*bits == 32) || (*format == 2 && *bits == 8))
      return "a sample type that has to be converted";
    return {};
  }

  std::string codec() {
    const uint64_t compression = value_or(tags_, TagNumber::compression, 1);
    const uint64_t predictor = value_or(tags_, TagNumber::predictor, 1);
    BlockFormat& block = image_.block;
    switch (compression) {
      case 1:
      case 5:
      case 7:
      case 8:
      case 34887:
      case 50000:
        block.compression = static_cast<Compression>(compression);
        break;
      case 32946:
        block.compression = Compression::deflate;
        break;
      default:
        return fmt::format("compression {}", compression);
    }
    // GDAL gets other values from these than libtiff gives here; nobody writes them on purpose.
    if (block.compression == Compression::lerc && block.big_endian) return "big-endian LERC";
    // Only these have one; GDAL ignores the tag with others.
    const bool predicts = block.compression == Compression::lzw ||
                          block.compression == Compression::deflate ||
                          block.compression == Compression::zstd;
    if (!predicts) return {};
    if (predictor < 1 || predictor > 3 || (predictor != 1 && block.bits == 1) ||
        (predictor == 3 && block.sample_format != SampleFormat::floating_point))
      return fmt::format("predictor {}", predictor);
    block.predictor = static_cast<Predictor>(predictor);
    return {};
  }

  std::string colours() {
    BlockFormat& block = image_.block;
    const uint64_t colours = value_or(tags_, TagNumber::photometric, 1);
    block.photometric = static_cast<Photometric>(colours);
    const bool jpeg = block.compression == Compression::jpeg;
    if (colours == 6 && !(jpeg && block.samples == 3)) return "YCbCr without JPEG";
    if (colours > 6) return "a colour space that has to be converted";
    if (value_or(tags_, TagNumber::fill_order, 1) != 1) return "bits from the right";
    if (!jpeg) return {};
    if (block.bits != 8 || block.sample_format != SampleFormat::unsigned_integer)
      return "JPEG of more than 8 bits";
    if (const Tag* tables = tags_.find(TagNumber::jpeg_tables))
      block.jpeg_tables.assign(reinterpret_cast<const char*>(tables->bytes.data()),
                               tables->bytes.size());
    return {};
  }

  std::string blocks() {
    const bool tiled = tags_.find(TagNumber::tile_width) != nullptr;
    const Tag* offsets = tags_.find(tiled ? TagNumber::tile_offsets : TagNumber::strip_offsets);
    const Tag* sizes = tags_.find(tiled ? TagNumber::tile_sizes : TagNumber::strip_sizes);
    if (offsets == nullptr || sizes == nullptr) return "no table of blocks";
    image_.offsets = *offsets;
    image_.sizes = *sizes;
    const auto height = static_cast<uint64_t>(image_.height);
    const uint64_t across =
        tiled ? value_or(tags_, TagNumber::tile_width, 0) : static_cast<uint64_t>(image_.width);
    const uint64_t down =
        tiled ? value_or(tags_, TagNumber::tile_height, 0)
              : std::min(value_or(tags_, TagNumber::rows_per_strip, height), height);
    if (across == 0 || down == 0 || across > (1U << 30) || down > (1U << 30))
      return "no usable size of blocks";
    image_.block.width = static_cast<int>(across);
    image_.block.height = static_cast<int>(down);
    image_.strips = !tiled;
    image_.blocks_across = (image_.width + image_.block.width - 1) / image_.block.width;
    image_.blocks_down = (image_.height + image_.block.height - 1) / image_.block.height;
    return {};
  }

  std::string limits() {
    const BlockFormat& block = image_.block;
    const double bytes = static_cast<double>(block.width) * block.height * block.samples *
                         std::max(1, block.bits / 8);
    if (bytes > static_cast<double>(kMostBlockBytes)) return "very large blocks";
    const double blocks = static_cast<double>(image_.blocks_across) *
                          static_cast<double>(image_.blocks_down) *
                          (image_.planes_apart ? image_.samples : 1);
    if (blocks > static_cast<double>(kMostBlocks)) return "very many blocks";
    const auto count = static_cast<uint64_t>(image_.blocks());
    if (image_.offsets.count < count || image_.sizes.count < count)
      return "a short table of blocks";
    return {};
  }

  const TagFile& file_;
  const TagList& tags_;
  Directory image_;
};

std::vector<uint64_t> read_table(const gdal::RandomAccessFile& file, const TagFile& header,
                                 const Tag& tag, size_t count) {
  const size_t size = byte_size_of_type(tag.type);
  if (size != 2 && size != 4 && size != 8) corrupt("a table of blocks that are not numbers");
  std::vector<std::byte> raw(count * size);
  read_header(file, header.start, tag.position, raw.data(), raw.size());
  if (header.big_endian) swap_each(raw.data(), count, size);
  std::vector<uint64_t> values(count);
  for (size_t i = 0; i < count; ++i) std::memcpy(&values[i], raw.data() + i * size, size);
  return values;
}

}  // namespace

size_t byte_size_of_type(uint16_t tag_type) {
  constexpr std::array<uint8_t, 19> sizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return tag_type < sizes.size() ? sizes[tag_type] : 0;
}

uint64_t Tag::whole_number(size_t index) const {
  const size_t size = byte_size_of_type(type);
  const bool whole = type == 1 || type == 3 || type == 4 || type == 16 || type == 13 || type == 18;
  if (!whole || (index + 1) * size > bytes.size())
    corrupt(fmt::format("tag {} is not a whole number", number));
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + index * size, size);
  return value;
}

const Tag* TagList::find(TagNumber number) const {
  const auto found = std::find_if(tags.begin(), tags.end(), [&](const Tag& tag) {
    return tag.number == static_cast<uint16_t>(number);
  });
  return found == tags.end() ? nullptr : &*found;
}

TagFile read_tags(const gdal::RandomAccessFile& file) {
  return TagParser(file).parse();
}

Readable interpret(const TagFile& file, const TagList& tags) {
  return Interpreter(file, tags).interpret();
}

BlockTable read_block_table(const gdal::RandomAccessFile& file, const TagFile& header,
                            const Directory& directory) {
  const auto count = static_cast<size_t>(directory.blocks());
  return {read_table(file, header, directory.offsets, count),
          read_table(file, header, directory.sizes, count)};
}

}  // namespace geoloom::tiff
