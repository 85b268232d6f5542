// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_headers.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/error.h"
#include "raster/asset.h"
#include "tiff/directory.h"

namespace geoloom::raster {
namespace {

// Block tables of some hundred granules; those of a few thousand scenes that are small.
constexpr size_t kMostTableBytes = size_t{16} << 20;
constexpr size_t kMostHeaders = 4096;
constexpr size_t kMostDescriptions = 1024;

bool same_type(const tiff::BlockFormat& format, gdal::SampleType type) {
  using tiff::SampleFormat;
  switch (type) {
    case gdal::SampleType::uint8:
      return format.bits == 8;
    case gdal::SampleType::uint16:
      return format.bits == 16 && format.sample_format == SampleFormat::unsigned_integer;
    case gdal::SampleType::int16:
      return format.bits == 16 && format.sample_format == SampleFormat::signed_integer;
    case gdal::SampleType::float32:
      return format.bits == 32 && format.sample_format == SampleFormat::floating_point;
    default:
      return false;
  }
}

// GDAL's account of a file is the one that counts; where ours differs, GDAL reads.
std::string difference(const tiff::Directory& ours, const gdal::RasterInfo& info) {
  if (info.driver != "GTiff") return "not a GeoTIFF";
  if (ours.width != info.width || ours.height != info.height ||
      static_cast<size_t>(ours.samples) != info.bands.size())
    return "an unusual structure";
  for (const auto& band : info.bands)
    if (!same_type(ours.block, band.type)) return "a sample type that has to be converted";
  return {};
}

// Over a network GDAL is shown the bytes that are here already, if they are all it looks at.
gdal::RasterInfo info_by_gdal(const std::string& path, const gdal::RandomAccessFile& file,
                              const tiff::TagFile& tags) {
  if (file.remote() && tags.end <= tags.start.size()) {
    try {
      return gdal::info_of_header(tags.start);
    } catch (const Error&) {
      // The file itself has the last word.
    }
  }
  return gdal::Dataset::open(path).info();
}

class HeaderParser {
 public:
  HeaderParser(const gdal::RandomAccessFile& file, const tiff::TagFile& tags, AssetHeader& header)
      : file_(file), tags_(tags), header_(header) {}

  void parse_images() {
    auto main = tiff::interpret(tags_, tags_.directories.front());
    header_.why_gdal = main.why_not;
    if (main.directory && (main.directory->mask || main.directory->reduced))
      header_.why_gdal = "no image at its beginning";
    if (header_.why_gdal.empty()) header_.why_gdal = difference(*main.directory, *header_.info);
    if (header_.why_gdal.empty()) find_mask(*main.directory);
    if (!header_.why_gdal.empty()) return;
    find_overviews(*main.directory);
    find_overview_masks();
    header_.image = image_of(std::move(*main.directory));
  }

 private:
  tiff::Image image_of(tiff::Directory directory) const {
    auto table = tiff::read_block_table(file_, tags_, directory);
    return {std::move(directory), std::move(table)};
  }

  void find_overviews(const tiff::Directory& main) {
    for (size_t i = 1; i < tags_.directories.size(); ++i) {
      auto found = tiff::interpret(tags_, tags_.directories[i]);
      if (!found.directory || !found.directory->reduced || found.directory->mask) continue;
      const auto& directory = *found.directory;
      const bool alike = directory.samples == main.samples &&
                         directory.block.bits == main.block.bits &&
                         directory.block.sample_format == main.block.sample_format;
      if (alike) header_.overviews.push_back(image_of(std::move(*found.directory)));
    }
    std::sort(header_.overviews.begin(), header_.overviews.end(),
              [](const tiff::Image& a, const tiff::Image& b) {
                return a.directory().width > b.directory().width;
              });
  }

  void find_overview_masks() {
    if (!header_.mask) return;
    for (const auto& overview : header_.overviews) {
      const auto& size = overview.directory();
      for (size_t i = 1; i < tags_.directories.size(); ++i) {
        auto found = tiff::interpret(tags_, tags_.directories[i]);
        if (!found.directory || !found.directory->reduced || !found.directory->mask ||
            found.directory->width != size.width || found.directory->height != size.height ||
            found.directory->samples != 1 || found.directory->block.bits > 8)
          continue;
        header_.overview_masks.push_back(image_of(std::move(*found.directory)));
        break;
      }
    }
    if (header_.overview_masks.size() != header_.overviews.size()) header_.overview_masks.clear();
  }

  void find_mask(const tiff::Directory& main) {
    const auto& bands = header_.info->bands;
    const auto masked = [](const gdal::BandInfo& band) { return band.has_mask_band; };
    if (std::none_of(bands.begin(), bands.end(), masked)) return;
    for (size_t i = 1; i < tags_.directories.size(); ++i) {
      const auto* type = tags_.directories[i].find(tiff::TagNumber::subfile_type);
      if (type == nullptr || (type->whole_number() & 4U) == 0) continue;
      auto found = tiff::interpret(tags_, tags_.directories[i]);
      if (!found.directory) {
        header_.why_gdal = "a mask with " + found.why_not;
        return;
      }
      if (found.directory->reduced || found.directory->width != main.width ||
          found.directory->height != main.height)
        continue;
      if (found.directory->samples != 1 || found.directory->block.bits > 8) continue;
      header_.mask = image_of(std::move(*found.directory));
      return;
    }
    for (size_t i = 0; i < bands.size(); ++i)
      if (bands[i].colour == "alpha" && bands[i].type == gdal::SampleType::uint8)
        header_.alpha_band = static_cast<int>(i) + 1;
    if (header_.alpha_band == 0) header_.why_gdal = "a mask of another kind";
  }

  const gdal::RandomAccessFile& file_;
  const tiff::TagFile& tags_;
  AssetHeader& header_;
};

}  // namespace

size_t AssetHeader::table_bytes() const {
  size_t bytes = (image ? image->table_bytes() : 0) + (mask ? mask->table_bytes() : 0);
  for (const auto* images : {&overviews, &overview_masks})
    for (const auto& image_at : *images) bytes += image_at.table_bytes();
  return bytes;
}

AssetHeaders& AssetHeaders::instance() {
  static AssetHeaders headers;
  return headers;
}

std::shared_ptr<const AssetHeader> AssetHeaders::header_of(const std::string& path,
                                                           const gdal::RandomAccessFile& file) {
  const std::string key = path + ":" + file.version();
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->second;
    }
  }
  auto header = parse(path, file);
  remember(key, header);
  return header;
}

std::shared_ptr<const AssetHeader> AssetHeaders::parse(const std::string& path,
                                                       const gdal::RandomAccessFile& file) {
  AssetHeader header;
  try {
    const tiff::TagFile tags = tiff::read_tags(file);
    header.info = describe(tags.digest, [&] { return info_by_gdal(path, file, tags); });
    HeaderParser(file, tags, header).parse_images();
  } catch (const Error& error) {
    // Whether the file is bad or only odd is for GDAL to say.
    if (error.code() != ErrorCode::invalid && error.code() != ErrorCode::corrupt) throw;
    header.why_gdal = error.message();
  }
  if (!header.info)
    header.info = std::make_shared<const gdal::RasterInfo>(gdal::Dataset::open(path).info());
  if (!header.why_gdal.empty()) {
    header.image.reset();
    header.mask.reset();
    header.overviews.clear();
    header.overview_masks.clear();
  }
  return std::make_shared<const AssetHeader>(std::move(header));
}

// Asking GDAL costs twenty times what parsing does (it asks PROJ for the CRS and the unit, and over
// a network for bytes that are here already), and what it says depends on the tags alone. So of
// many threads that come with the same tags one asks, and the others wait for what it hears.
std::shared_ptr<const gdal::RasterInfo> AssetHeaders::describe(
    const std::string& digest, const std::function<gdal::RasterInfo()>& ask) {
  std::promise<Description> promise;
  std::shared_future<Description> known;
  {
    const std::lock_guard lock(mutex_);
    // Far more than are in use at a time; starting anew is simpler than choosing.
    if (descriptions_.size() >= kMostDescriptions) descriptions_.clear();
    const auto [entry, is_new] = descriptions_.try_emplace(digest);
    if (is_new)
      entry->second = promise.get_future().share();
    else
      known = entry->second;
  }
  if (known.valid()) {
    if (auto info = known.get()) return info;
    return std::make_shared<const gdal::RasterInfo>(ask());
  }
  try {
    auto info = std::make_shared<const gdal::RasterInfo>(ask());
    promise.set_value(info);
    return info;
  } catch (...) {
    promise.set_value(nullptr);  // may be the file's fault: the others look for themselves
    const std::lock_guard lock(mutex_);
    descriptions_.erase(digest);
    throw;
  }
}

void AssetHeaders::remember(const std::string& key, std::shared_ptr<const AssetHeader> header) {
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return;  // another thread was faster
  table_bytes_ += header->table_bytes();
  recent_.emplace_front(key, std::move(header));
  by_key_.emplace(key, recent_.begin());
  while (recent_.size() > 1 && (table_bytes_ > kMostTableBytes || recent_.size() > kMostHeaders)) {
    table_bytes_ -= recent_.back().second->table_bytes();
    by_key_.erase(recent_.back().first);
    recent_.pop_back();
  }
}

}  // namespace geoloom::raster
