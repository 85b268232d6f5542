// SPDX-License-Identifier: Apache-2.0
#include "tiff/cog_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "error/error.h"
#include "store/checksum.h"

namespace geoloom::tiff {
namespace {

enum Type : uint16_t { kShort = 3, kLong = 4, kRational = 5, kLong8 = 16 };

constexpr uint32_t kReduced = 1, kMask = 4;  // of the subfile type
constexpr size_t kFrameBytes = 4;            // before and behind each tile

// As GDAL's validator wants directories, and as the specification does.
uint64_t aligned(uint64_t position) {
  return (position + 1) / 2 * 2;
}

// Grows a span of bytes by little-endian numbers.
class Bytes {
 public:
  void put(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void put(std::span<const std::byte> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  void put(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
  }
  void pad_to(uint64_t position) { bytes_.resize(position); }
  const std::vector<std::byte>& all() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

Tag tag_of(TagNumber number, uint16_t type, const std::vector<uint64_t>& values) {
  Bytes bytes;
  for (const uint64_t value : values) bytes.put(value, byte_size_of_type(type));
  return {static_cast<uint16_t>(number), type, values.size(), bytes.all()};
}

bool describes_blocks(uint16_t number) {
  switch (TagNumber{number}) {
    case TagNumber::subfile_type:
    case TagNumber::width:
    case TagNumber::height:
    case TagNumber::bits_per_sample:
    case TagNumber::compression:
    case TagNumber::strip_offsets:
    case TagNumber::samples_per_pixel:
    case TagNumber::rows_per_strip:
    case TagNumber::strip_sizes:
    case TagNumber::planar_configuration:
    case TagNumber::predictor:
    case TagNumber::tile_width:
    case TagNumber::tile_height:
    case TagNumber::tile_offsets:
    case TagNumber::tile_sizes:
    case TagNumber::sample_format:
      return true;
    default:
      return false;
  }
}

// Overviews say how their samples are to be taken, but not what the file is about.
bool belongs_to_overviews(uint16_t tag) {
  const TagNumber number{tag};
  return number == TagNumber::photometric || number == TagNumber::colour_map ||
         number == TagNumber::extra_samples || number == TagNumber::gdal_nodata;
}

uint64_t little_endian(std::string_view bytes, size_t at, size_t size) {
  if (at > bytes.size() || size > bytes.size() - at)
    throw Error(ErrorCode::internal, "a described file is cut off");
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i)
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

bool is_table(const Tag& tag) {
  const TagNumber number{tag.number};
  return number == TagNumber::tile_offsets || number == TagNumber::tile_sizes;
}

struct DirectoryPlan {
  size_t level = 0;
  bool mask = false;
  uint64_t position = 0;
  std::vector<Tag> tags;  // by number; a position of 0 is a value within the directory
  Tag& table(TagNumber number) {
    return *std::find_if(tags.begin(), tags.end(),
                         [&](const Tag& tag) { return TagNumber{tag.number} == number; });
  }
};

// Where everything stands. First the directories, each followed by its values, then the tables of
// all of them, then tiles; tables are filled in last, when it is known how large everything is.
class FilePlan {
 public:
  FilePlan(const CogDescription& description, bool big) : described_(description), big_(big) {
    const size_t levels = description.levels.size();
    const bool mask = !description.levels.front().mask_tiles.empty();
    add_directory(0, false);
    if (mask) add_directory(0, true);
    for (size_t level = 1; level < levels; ++level) add_directory(level, false);
    for (size_t level = 1; mask && level < levels; ++level) add_directory(level, true);
    place_directories();
    place_tiles();
  }

  uint64_t file_bytes() const { return end_; }
  // All before the first tile.
  std::vector<std::byte> head() const;

 private:
  void add_directory(size_t level, bool mask);
  std::vector<Tag> image_tags(size_t level) const;
  std::vector<Tag> mask_tags(size_t level) const;
  void place_directories();
  void place_values(DirectoryPlan& plan, bool tables, uint64_t& position) const;
  void place_tiles();
  void put_directory(Bytes& bytes, const DirectoryPlan& plan, uint64_t next) const;
  static void put_values(Bytes& bytes, const DirectoryPlan& plan, bool tables);

  const TilePlaces& tiles(size_t level, bool mask) const {
    return mask ? described_.levels[level].mask_tiles : described_.levels[level].tiles;
  }
  size_t inline_bytes() const { return big_ ? 8 : 4; }
  uint16_t offset_type() const { return big_ ? kLong8 : kLong; }
  uint64_t directory_bytes(size_t entries) const {
    return (big_ ? 8 : 2) + entries * (big_ ? 20 : 12) + inline_bytes();
  }
  std::string structure() const;

  const CogDescription& described_;
  const bool big_;
  std::vector<DirectoryPlan> plans_;  // in file order
  uint64_t tiles_begin_ = 0;
  uint64_t end_ = 0;
};

std::string FilePlan::structure() const {
  std::string text =
      "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
      "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
  if (!described_.levels.front().mask_tiles.empty()) text += "MASK_INTERLEAVED_WITH_IMAGERY=YES\n";
  return fmt::format("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{}", text.size(), text);
}

void FilePlan::add_directory(size_t level, bool mask) {
  DirectoryPlan plan{
      .level = level, .mask = mask, .tags = mask ? mask_tags(level) : image_tags(level)};
  const std::vector<uint64_t> unknown(tiles(level, mask).size());
  plan.tags.push_back(tag_of(TagNumber::tile_offsets, offset_type(), unknown));
  plan.tags.push_back(tag_of(TagNumber::tile_sizes, kLong, unknown));
  std::stable_sort(plan.tags.begin(), plan.tags.end(),
                   [](const Tag& a, const Tag& b) { return a.number < b.number; });
  plans_.push_back(std::move(plan));
}

std::vector<Tag> FilePlan::image_tags(size_t level) const {
  const BlockFormat& block = described_.block;
  const auto samples = static_cast<size_t>(block.samples);
  const CogLevel& at = described_.levels[level];
  std::vector<Tag> tags;
  for (const Tag& tag : described_.tags)
    if (level == 0 || belongs_to_overviews(tag.number)) tags.push_back(tag);
  const auto add = [&](TagNumber number, uint16_t type, const std::vector<uint64_t>& values) {
    tags.push_back(tag_of(number, type, values));
  };
  if (level > 0) add(TagNumber::subfile_type, kLong, {kReduced});
  add(TagNumber::width, kLong, {static_cast<uint64_t>(at.width)});
  add(TagNumber::height, kLong, {static_cast<uint64_t>(at.height)});
  add(TagNumber::bits_per_sample, kShort,
      std::vector<uint64_t>(samples, static_cast<uint64_t>(block.bits)));
  add(TagNumber::compression, kShort, {static_cast<uint64_t>(block.compression)});
  add(TagNumber::samples_per_pixel, kShort, {samples});
  add(TagNumber::planar_configuration, kShort, {1});
  if (block.predictor != Predictor::none)
    add(TagNumber::predictor, kShort, {static_cast<uint64_t>(block.predictor)});
  add(TagNumber::tile_width, kShort, {static_cast<uint64_t>(block.width)});
  add(TagNumber::tile_height, kShort, {static_cast<uint64_t>(block.height)});
  add(TagNumber::sample_format, kShort,
      std::vector<uint64_t>(samples, static_cast<uint64_t>(block.sample_format)));
  if (block.compression == Compression::jpeg && block.photometric == Photometric::ycbcr) {
    std::erase_if(tags,
                  [](const Tag& tag) { return TagNumber{tag.number} == TagNumber::photometric; });
    add(TagNumber::photometric, kShort, {static_cast<uint64_t>(block.photometric)});
    add(TagNumber::ycbcr_subsampling, kShort, {2, 2});
    Tag range = tag_of(TagNumber::reference_black_white, kLong,
                       {0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1});
    range.type = kRational;
    range.count = 6;
    tags.push_back(std::move(range));
  }
  if (block.compression == Compression::lerc) add(TagNumber::lerc_parameters, kLong, {4, 0});
  return tags;
}

std::vector<Tag> FilePlan::mask_tags(size_t level) const {
  const CogLevel& at = described_.levels[level];
  return {tag_of(TagNumber::subfile_type, kLong, {level > 0 ? kReduced | kMask : kMask}),
          tag_of(TagNumber::width, kLong, {static_cast<uint64_t>(at.width)}),
          tag_of(TagNumber::height, kLong, {static_cast<uint64_t>(at.height)}),
          tag_of(TagNumber::bits_per_sample, kShort, {1}),
          tag_of(TagNumber::compression, kShort, {static_cast<uint64_t>(Compression::deflate)}),
          tag_of(TagNumber::photometric, kShort, {static_cast<uint64_t>(Photometric::mask)}),
          tag_of(TagNumber::samples_per_pixel, kShort, {1}),
          tag_of(TagNumber::planar_configuration, kShort, {1}),
          tag_of(TagNumber::tile_width, kShort, {static_cast<uint64_t>(described_.block.width)}),
          tag_of(TagNumber::tile_height, kShort, {static_cast<uint64_t>(described_.block.height)}),
          tag_of(TagNumber::sample_format, kShort, {1})};
}

void FilePlan::place_values(DirectoryPlan& plan, bool tables, uint64_t& position) const {
  for (Tag& tag : plan.tags) {
    if (is_table(tag) != tables || tag.bytes.size() <= inline_bytes()) continue;
    tag.position = position;
    position = aligned(position + tag.bytes.size());
  }
}

void FilePlan::place_directories() {
  uint64_t position = aligned((big_ ? 16 : 8) + structure().size());
  for (DirectoryPlan& plan : plans_) {
    plan.position = position;
    position = aligned(position + directory_bytes(plan.tags.size()));
    place_values(plan, false, position);
  }
  for (DirectoryPlan& plan : plans_) place_values(plan, true, position);
  tiles_begin_ = position;
}

void FilePlan::place_tiles() {
  const size_t levels = described_.levels.size();
  std::vector<std::vector<uint64_t>> image_offsets(levels), mask_offsets(levels);
  end_ = tiles_begin_;
  const auto place = [&](const BlockStore::Place& tile, std::vector<uint64_t>& offsets) {
    offsets.push_back(end_ + kFrameBytes);
    end_ += tile.size + 2 * kFrameBytes;
  };
  for (size_t level = levels; level-- > 0;) {
    const CogLevel& at = described_.levels[level];
    for (size_t i = 0; i < at.tiles.size(); ++i) {
      place(at.tiles[i], image_offsets[level]);
      if (!at.mask_tiles.empty()) place(at.mask_tiles[i], mask_offsets[level]);
    }
  }
  for (DirectoryPlan& plan : plans_) {
    const auto& offsets = plan.mask ? mask_offsets[plan.level] : image_offsets[plan.level];
    std::vector<uint64_t> sizes;
    for (const auto& tile : tiles(plan.level, plan.mask)) sizes.push_back(tile.size);
    plan.table(TagNumber::tile_offsets).bytes =
        tag_of(TagNumber::tile_offsets, offset_type(), offsets).bytes;
    plan.table(TagNumber::tile_sizes).bytes = tag_of(TagNumber::tile_sizes, kLong, sizes).bytes;
  }
}

void FilePlan::put_directory(Bytes& bytes, const DirectoryPlan& plan, uint64_t next) const {
  bytes.pad_to(plan.position);
  bytes.put(plan.tags.size(), big_ ? 8 : 2);
  for (const Tag& tag : plan.tags) {
    bytes.put(tag.number, 2);
    bytes.put(tag.type, 2);
    bytes.put(tag.count, inline_bytes());
    if (tag.position > 0) {
      bytes.put(tag.position, inline_bytes());
    } else {
      bytes.put(tag.bytes);
      bytes.put(0, inline_bytes() - tag.bytes.size());
    }
  }
  bytes.put(next, inline_bytes());
}

void FilePlan::put_values(Bytes& bytes, const DirectoryPlan& plan, bool tables) {
  for (const Tag& tag : plan.tags) {
    if (is_table(tag) != tables || tag.position == 0) continue;
    bytes.pad_to(tag.position);
    bytes.put(tag.bytes);
  }
}

std::vector<std::byte> FilePlan::head() const {
  Bytes bytes;
  bytes.put("II");
  bytes.put(big_ ? 43 : 42, 2);
  if (big_) bytes.put(8, 4);  // bytes of an offset
  bytes.put(plans_.front().position, inline_bytes());
  bytes.put(structure());
  for (size_t i = 0; i < plans_.size(); ++i) {
    put_directory(bytes, plans_[i], i + 1 < plans_.size() ? plans_[i + 1].position : 0);
    put_values(bytes, plans_[i], false);
  }
  for (const DirectoryPlan& plan : plans_) put_values(bytes, plan, true);
  bytes.pad_to(tiles_begin_);
  return bytes.all();
}

// A file written front to back, hashed on the way.
class HashedOutput {
 public:
  explicit HashedOutput(const std::string& path)
      : path_(path),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail(errno);
    waiting_.reserve(kBuffer + (size_t{1} << 20));
  }
  HashedOutput(const HashedOutput&) = delete;
  HashedOutput& operator=(const HashedOutput&) = delete;
  ~HashedOutput() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }

  void put(std::span<const std::byte> bytes) {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    if (waiting_.size() >= kBuffer) flush();
  }
  void put_tile(std::span<const std::byte> tile) {
    std::array<std::byte, kFrameBytes> frame{};
    for (size_t i = 0; i < frame.size(); ++i)
      frame[i] = static_cast<std::byte>(tile.size() >> (8 * i));
    put(frame);
    put(tile);
    frame.fill(std::byte{0});
    const size_t last = std::min(tile.size(), frame.size());
    std::copy(tile.end() - static_cast<ptrdiff_t>(last), tile.end(), frame.begin());
    put(frame);
  }
  WrittenFile finish() {
    flush();
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) {
      const int error = errno;
      ::unlink(path_.c_str());
      fail(error);
    }
    return {written_, sha256_.hex()};
  }

 private:
  static constexpr size_t kBuffer = size_t{1} << 18;

  [[noreturn]] void fail(int error) const {
    const bool denied = error == EACCES || error == EPERM || error == EROFS;
    throw Error(denied            ? ErrorCode::denied
                : error == ENOENT ? ErrorCode::missing
                                  : ErrorCode::resource,
                "the file cannot be written")
        .at({.file = path_})
        .cause(std::generic_category().message(error));
  }
  void flush() {
    sha256_.add(waiting_.data(), waiting_.size());
    for (size_t at = 0; at < waiting_.size();) {
      const ssize_t done = ::write(descriptor_, waiting_.data() + at, waiting_.size() - at);
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) fail(done < 0 ? errno : ENOSPC);
      at += static_cast<size_t>(done);
    }
    written_ += waiting_.size();
    waiting_.clear();
  }

  const std::string path_;
  int descriptor_;
  std::vector<std::byte> waiting_;
  uint64_t written_ = 0;
  store::Sha256 sha256_;
};

}  // namespace

std::vector<Tag> descriptive_tags(const std::string& tiff_file) {
  if (!tiff_file.starts_with(std::string_view("II*\0", 4)))
    throw Error(ErrorCode::internal, "a described file is no classic little-endian TIFF");
  const uint64_t directory = little_endian(tiff_file, 4, 4);
  const uint64_t entries = little_endian(tiff_file, directory, 2);
  std::vector<Tag> tags;
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + 12 * i;
    Tag tag;
    tag.number = static_cast<uint16_t>(little_endian(tiff_file, entry, 2));
    tag.type = static_cast<uint16_t>(little_endian(tiff_file, entry + 2, 2));
    tag.count = little_endian(tiff_file, entry + 4, 4);
    if (describes_blocks(tag.number)) continue;
    const uint64_t size = tag.count * byte_size_of_type(tag.type);
    const uint64_t at = size <= 4 ? entry + 8 : little_endian(tiff_file, entry + 8, 4);
    for (uint64_t b = 0; b < size; ++b)
      tag.bytes.push_back(static_cast<std::byte>(little_endian(tiff_file, at + b, 1)));
    tags.push_back(std::move(tag));
  }
  return tags;
}

WrittenFile write_cog(const std::string& path, const CogDescription& description,
                      const BlockStore& store) {
  std::optional<FilePlan> plan;
  plan.emplace(description, description.always_big);
  if (plan->file_bytes() > std::numeric_limits<uint32_t>::max()) plan.emplace(description, true);
  HashedOutput output(path);
  output.put(plan->head());
  std::vector<std::byte> buffer;
  for (size_t level = description.levels.size(); level-- > 0;) {
    const CogLevel& at = description.levels[level];
    for (size_t i = 0; i < at.tiles.size(); ++i) {
      output.put_tile(store.read(at.tiles[i], buffer));
      if (!at.mask_tiles.empty()) output.put_tile(store.read(at.mask_tiles[i], buffer));
    }
  }
  return output.finish();
}

}  // namespace geoloom::tiff
