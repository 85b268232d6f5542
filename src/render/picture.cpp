// SPDX-License-Identifier: Apache-2.0
#include "render/picture.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>

#include "tiff/deflate.h"

namespace geoloom::render {
namespace {

// Of 12: tiles are made on demand, so time counts more than size.
constexpr int kLevel = 3;
// Colour types of PNG (ISO/IEC 15948, 11.2.2).
constexpr uint8_t kTrueColour = 2, kIndexed = 3, kTrueColourAlpha = 6;
// Filter types (9.2).
constexpr uint8_t kNoFilter = 0, kUp = 2;

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

void add_chunk(std::string& png, std::string_view type, std::string_view data) {
  png += big_endian(static_cast<uint32_t>(data.size()));
  const size_t start = png.size();
  png += type;
  png += data;
  png += big_endian(tiff::crc32(std::string_view(png).substr(start)));
}

void add_header(std::string& png, const Picture& picture, uint8_t colour_type) {
  png += std::string_view("\x89PNG\r\n\x1a\n", 8);
  std::string header = big_endian(static_cast<uint32_t>(picture.width)) +
                       big_endian(static_cast<uint32_t>(picture.height));
  header += {8, static_cast<char>(colour_type), 0, 0, 0};
  add_chunk(png, "IHDR", header);
}

// At most 256 colours in the order they come, and which of them each pixel has.
struct Palette {
  std::vector<Pixel> colours;
  std::vector<uint8_t> indices;
};

std::optional<Palette> palette_of(const Picture& picture) {
  // Open addressing in a table that is at most an eighth full.
  constexpr size_t kSlots = 2048, kMostColours = 256;
  std::vector<int16_t> slots(kSlots, -1);
  Palette palette;
  palette.indices.reserve(picture.pixels.size());
  for (const Pixel& pixel : picture.pixels) {
    size_t slot = (std::bit_cast<uint32_t>(pixel) * 2654435761U) >> 21;
    while (slots[slot] >= 0 && palette.colours[static_cast<size_t>(slots[slot])] != pixel)
      slot = (slot + 1) % kSlots;
    if (slots[slot] < 0) {
      if (palette.colours.size() == kMostColours) return std::nullopt;
      slots[slot] = static_cast<int16_t>(palette.colours.size());
      palette.colours.push_back(pixel);
    }
    palette.indices.push_back(static_cast<uint8_t>(slots[slot]));
  }
  return palette;
}

std::string indexed_png(const Picture& picture, const Palette& palette) {
  const auto width = static_cast<size_t>(picture.width);
  std::vector<uint8_t> rows;
  rows.reserve(palette.indices.size() + static_cast<size_t>(picture.height));
  for (size_t at = 0; at < palette.indices.size(); at += width) {
    rows.push_back(kNoFilter);
    rows.insert(rows.end(), palette.indices.begin() + static_cast<ptrdiff_t>(at),
                palette.indices.begin() + static_cast<ptrdiff_t>(at + width));
  }
  std::string png, colours, alphas;
  for (const Pixel& colour : palette.colours) {
    colours.append(
        {static_cast<char>(colour[0]), static_cast<char>(colour[1]), static_cast<char>(colour[2])});
    alphas += static_cast<char>(colour[3]);
  }
  add_header(png, picture, kIndexed);
  add_chunk(png, "PLTE", colours);
  if (alphas.find('\0') != std::string::npos) add_chunk(png, "tRNS", alphas);
  add_chunk(png, "IDAT", tiff::zlib_stream(rows, kLevel));
  add_chunk(png, "IEND", {});
  return png;
}

// Each row as its difference to the one above, which is smaller than the row where pictures are
// smooth and costs next to nothing.
std::string true_colour_png(const Picture& picture, bool opaque) {
  const size_t samples = opaque ? 3 : 4, row_bytes = samples * static_cast<size_t>(picture.width);
  std::vector<uint8_t> rows, above(row_bytes, 0), row(row_bytes);
  rows.reserve((row_bytes + 1) * static_cast<size_t>(picture.height));
  const Pixel* pixel = picture.pixels.data();
  for (int64_t y = 0; y < picture.height; ++y) {
    for (size_t at = 0; at < row_bytes; at += samples, ++pixel)
      std::memcpy(row.data() + at, pixel->data(), samples);
    rows.push_back(kUp);
    for (size_t i = 0; i < row_bytes; ++i) rows.push_back(static_cast<uint8_t>(row[i] - above[i]));
    std::swap(row, above);
  }
  std::string png;
  add_header(png, picture, opaque ? kTrueColour : kTrueColourAlpha);
  add_chunk(png, "IDAT", tiff::zlib_stream(rows, kLevel));
  add_chunk(png, "IEND", {});
  return png;
}

}  // namespace

std::string encode_png(const Picture& picture) {
  if (const auto palette = palette_of(picture)) return indexed_png(picture, *palette);
  const bool opaque = std::all_of(picture.pixels.begin(), picture.pixels.end(),
                                  [](const Pixel& pixel) { return pixel[3] == 255; });
  return true_colour_png(picture, opaque);
}

}  // namespace geoloom::render
