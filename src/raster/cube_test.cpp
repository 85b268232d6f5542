// SPDX-License-Identifier: Apache-2.0
#include "raster/cube.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "error/error.h"

namespace geoloom::raster {
namespace {

CubeSchema schema_of(const std::vector<PixelType>& types, size_t slices, bool per_band = false) {
  CubeSchema schema;
  for (const PixelType type : types) {
    Band band;
    band.name = "b" + std::to_string(schema.bands.size() + 1);
    band.type = type;
    schema.bands.push_back(band);
  }
  schema.slices.resize(slices);
  schema.validity_per_band = per_band;
  return schema;
}

TEST(PixelType, NamesAndSizes) {
  for (const auto type :
       {PixelType::uint8, PixelType::uint16, PixelType::int16, PixelType::float32}) {
    EXPECT_EQ(pixel_type_of(name(type)), type);
  }
  EXPECT_EQ(byte_size(PixelType::uint8), 1U);
  EXPECT_EQ(byte_size(PixelType::float32), 4U);
  try {
    pixel_type_of("float23");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    EXPECT_THAT(e.hint(), testing::HasSubstr("float32"));
  }
}

TEST(PixelType, HoldsTheNumbersOfItsSamples) {
  EXPECT_TRUE(holds(PixelType::uint8, 255));
  EXPECT_FALSE(holds(PixelType::uint8, 256));
  EXPECT_FALSE(holds(PixelType::int16, 0.5));
  EXPECT_FALSE(holds(PixelType::uint16, std::nan("")));
  EXPECT_TRUE(holds(PixelType::float32, std::nan("")));
  EXPECT_TRUE(holds(PixelType::float32, 0.1));
  EXPECT_FALSE(holds(PixelType::float32, 1e39));
}

TEST(Colour, IsWrittenAsInWebPages) {
  EXPECT_EQ(colour_of("#228B22"), (Colour{0x22, 0x8b, 0x22}));
  EXPECT_EQ(text(Colour{0x22, 0x8b, 0x02}), "#228b02");
  for (const char* wrong :
       {"", "green", "#fff", "228b22", "#228b2", "#228b222", "#22 b22", "#-12222"})
    EXPECT_THROW(colour_of(wrong), Error) << wrong;
}

TEST(CubeSchema, FindsBandsAndSuggestsNames) {
  CubeSchema schema = schema_of({PixelType::uint8, PixelType::float32}, 1);
  schema.bands[0].name = "red";
  EXPECT_EQ(schema.band_index("b2"), 1);
  EXPECT_EQ(schema.find_band("nir"), -1);
  EXPECT_EQ(schema.bytes_per_pixel(3), 3U * (1 + 4 + 1));
  try {
    schema.band_index("rad");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.hint(), testing::HasSubstr("red"));
  }
}

TEST(Block, StartsZeroedAndHoldsWhatIsWritten) {
  const CubeSchema schema = schema_of({PixelType::uint8, PixelType::int16, PixelType::float32}, 5);
  Block block(schema, {10, 20, 33, 7}, 2, 3);
  EXPECT_EQ(block.pixels(), 231U);
  EXPECT_EQ(block.first_slice(), 2U);
  for (size_t slice = 0; slice < 3; ++slice) {
    EXPECT_THAT(block.validity(slice), testing::Each(0));
    EXPECT_THAT(block.plane<float>(2, slice), testing::Each(0.0F));
    std::ranges::fill(block.plane<uint8_t>(0, slice), static_cast<uint8_t>(slice + 1));
    std::ranges::fill(block.plane<int16_t>(1, slice), static_cast<int16_t>(-100 - slice));
    std::ranges::fill(block.plane<float>(2, slice), 0.5F);
    std::ranges::fill(block.validity(slice), uint8_t{1});
  }
  const Block& read = block;
  for (size_t slice = 0; slice < 3; ++slice) {  // nothing was written over
    EXPECT_THAT(read.plane<uint8_t>(0, slice), testing::Each(slice + 1));
    EXPECT_THAT(read.plane<int16_t>(1, slice), testing::Each(-100 - static_cast<int>(slice)));
    EXPECT_THAT(read.validity(slice), testing::Each(1));
  }
}

TEST(Block, PlanesAreAlignedAndDoNotShareCacheSets) {
  for (const int64_t side : {1, 7, 64, 100, 512, 1024}) {
    for (const size_t slices : {1U, 2U, 64U}) {
      const CubeSchema schema = schema_of({PixelType::uint8, PixelType::uint16, PixelType::uint16,
                                           PixelType::uint16, PixelType::float32},
                                          slices);
      const Block block(schema, {0, 0, side, side}, 0, slices);
      EXPECT_GE(block.plane_stride(), block.pixels());
      for (size_t band = 0; band < 5; ++band) {
        const size_t bytes = block.plane_stride() * byte_size(block.type(band));
        EXPECT_NE(bytes % 4096, 0U) << side;
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block.raw_plane(band, slices - 1)) % 64, 0U);
      }
      const auto at = [&](size_t band) {
        return static_cast<const char*>(block.raw_plane(band, 0)) -
               static_cast<const char*>(block.raw_plane(0, 0));
      };
      EXPECT_EQ(at(2) - at(1), at(3) - at(2)) << "bands of one type are equally far apart";
      EXPECT_NE((at(2) - at(1)) % 4096, 0);
      EXPECT_GE(Block::bytes_needed(schema, side * side, slices),
                schema.bytes_per_pixel(slices) * block.pixels());
    }
  }
}

TEST(Block, ValidityPerBand) {
  Block block(schema_of({PixelType::uint8, PixelType::uint8}, 2, true), {0, 0, 4, 4}, 0, 2);
  EXPECT_TRUE(block.validity_per_band());
  std::ranges::fill(block.validity(1, 1), uint8_t{1});
  EXPECT_THAT(block.validity(1, 0), testing::Each(0));
  EXPECT_THAT(block.validity(0, 1), testing::Each(0));
  EXPECT_THAT(block.validity(1, 1), testing::Each(1));
}

TEST(Block, StripsShareMemory) {
  Block block(schema_of({PixelType::uint16, PixelType::float32}, 2), {5, 100, 8, 10}, 0, 2);
  {
    Block strip = block.strip(3, 2).strip(1, 1);
    EXPECT_EQ(strip.window(), (geo::Window{5, 104, 8, 1}));
    std::ranges::fill(strip.plane<float>(1, 1), 2.0F);
    std::ranges::fill(strip.validity(1), uint8_t{1});
  }
  for (size_t i = 0; i < block.pixels(); ++i) {
    EXPECT_EQ(block.plane<float>(1, 1)[i], i / 8 == 4 ? 2.0F : 0.0F);
    EXPECT_EQ(block.validity(1)[i], i / 8 == 4 ? 1 : 0);
  }
  Block kept = block.strip(0, 1);
  block = Block();
  EXPECT_EQ(kept.plane<float>(1, 0)[7], 0.0F) << "a strip keeps the memory alive";
  EXPECT_THROW(kept.strip(0, 2), Error);
}

TEST(Block, CopiesTheOverlap) {
  const CubeSchema schema = schema_of({PixelType::uint16}, 1);
  Block from(schema, {-2, 3, 6, 4}, 0, 1);
  for (size_t i = 0; i < from.pixels(); ++i) {
    from.plane<uint16_t>(0, 0)[i] = static_cast<uint16_t>(i + 1);
    from.validity(0)[i] = 1;
  }
  Block to(schema, {0, 0, 5, 5}, 0, 1);
  to.copy_from(from);
  for (int64_t row = 0; row < 5; ++row) {
    for (int64_t column = 0; column < 5; ++column) {
      const bool in = row >= 3 && column < 4;
      const auto i = static_cast<size_t>(row * 5 + column);
      EXPECT_EQ(to.validity(0)[i], in ? 1 : 0);
      EXPECT_EQ(to.plane<uint16_t>(0, 0)[i], in ? (row - 3) * 6 + column + 2 + 1 : 0);
    }
  }
  to.copy_from(Block(schema, {50, 50, 2, 2}, 0, 1));  // no overlap
  EXPECT_THROW(to.copy_from(Block(schema_of({PixelType::int16}, 1), {0, 0, 5, 5}, 0, 1)), Error);
}

TEST(Block, RefusesWhatNoMachineHas) {
  const CubeSchema schema = schema_of({PixelType::float32}, 1);
  try {
    const Block block(schema, {0, 0, int64_t{1} << 40, int64_t{1} << 40}, 0, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::resource);
  }
}

TEST(Block, LargeBlocksGiveTheirMemoryBackAtOnce) {
  const CubeSchema schema = schema_of({PixelType::float32}, 1);
  // More than any machine under test could keep.
  for (int i = 0; i < 2000; ++i) {
    Block block(schema, {0, 0, 4096, 4096}, 0, 1);
    block.plane<float>(0, 0)[0] = 1;
  }
}

TEST(Block, TakesOverSpentMemoryOnlyWhereItFitsAndIsNotShared) {
  CubeSchema schema;
  schema.bands.resize(1);
  schema.bands[0].type = PixelType::uint8;
  schema.slices.resize(3);
  Block first(schema, {0, 0, 64, 64}, 0, 3);
  const void* memory = first.raw_plane(0, 0);
  Block second(schema, {64, 0, 32, 64}, 0, 3, std::move(first));
  EXPECT_EQ(second.raw_plane(0, 0), memory);
  EXPECT_EQ(second.pixels(), 32U * 64U);

  Block larger(schema, {0, 0, 640, 640}, 0, 3, std::move(second));
  std::fill_n(static_cast<uint8_t*>(larger.raw_plane(0, 2)), larger.pixels(), uint8_t{1});

  Block shared(schema, {0, 0, 8, 8}, 0, 3);
  const Block view = shared.strip(0, 4);
  const void* kept = shared.raw_plane(0, 0);
  const Block other(schema, {0, 0, 8, 8}, 0, 3, std::move(shared));
  EXPECT_NE(other.raw_plane(0, 0), kept);
  EXPECT_EQ(view.raw_plane(0, 0), kept);
}

}  // namespace
}  // namespace geoloom::raster
