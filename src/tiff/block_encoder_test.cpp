// SPDX-License-Identifier: Apache-2.0
#include "tiff/block_encoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "error/error.h"
#include "tiff/block_decoder.h"

namespace geoloom::tiff {
namespace {

using Bytes = std::vector<std::byte>;

struct Case {
  BlockFormat format;
  EncodingOptions options;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto compression : {Compression::none, Compression::deflate, Compression::zstd,
                                 Compression::lzw, Compression::lerc})
    for (const int samples : {1, 3, 5})
      for (const int bits : {8, 16, 32})
        for (const auto predictor :
             {Predictor::none, Predictor::horizontal, Predictor::floating_point}) {
          if (predictor == Predictor::floating_point && bits != 32) continue;
          if (predictor != Predictor::none &&
              (compression == Compression::none || compression == Compression::lerc))
            continue;
          BlockFormat format{.width = 48,
                             .height = 16,
                             .samples = samples,
                             .bits = bits,
                             .compression = compression,
                             .predictor = predictor};
          if (bits == 32) format.sample_format = SampleFormat::floating_point;
          all.push_back({format, {}});
        }
  return all;
}

// Planes of a smooth surface, all in one piece of memory.
Bytes planes_of(const BlockFormat& format) {
  std::mt19937 random(3);
  const auto sample_bytes = static_cast<size_t>(format.bits / 8);
  Bytes planes(format.bytes());
  for (size_t i = 0; i < planes.size() / sample_bytes; ++i) {
    const auto value = static_cast<uint32_t>(i / 9 + random() % 5);
    const auto real = static_cast<float>(value) / 3;
    if (format.bits == 32)
      std::memcpy(planes.data() + i * 4, &real, 4);
    else
      std::memcpy(planes.data() + i * sample_bytes, &value, sample_bytes);
  }
  return planes;
}

std::vector<const std::byte*> pointers_to(const Bytes& planes, const BlockFormat& format) {
  std::vector<const std::byte*> pointers;
  for (int i = 0; i < format.samples; ++i)
    pointers.push_back(planes.data() + format.bytes() / static_cast<size_t>(format.samples) *
                                           static_cast<size_t>(i));
  return pointers;
}

TEST(BlockEncoder, WritesWhatTheDecoderReads) {
  BlockEncoder encoder;  // one for all, as threads have
  BlockDecoder decoder;
  for (const auto& [format, options] : cases()) {
    const Bytes planes = planes_of(format);
    Bytes encoded, again, block(format.bytes());
    encoder.encode(format, options, pointers_to(planes, format), encoded);
    decoder.decode(format, encoded, block);
    const auto sample_bytes = static_cast<size_t>(format.bits / 8);
    const auto samples = static_cast<size_t>(format.samples);
    const size_t pixels = block.size() / sample_bytes / samples;
    for (size_t i = 0; i < pixels * samples; ++i)
      ASSERT_EQ(std::memcmp(block.data() + i * sample_bytes,
                            planes.data() + (i % samples * pixels + i / samples) * sample_bytes,
                            sample_bytes),
                0)
          << "sample " << i << ", " << static_cast<int>(format.compression) << ", " << format.bits
          << " bits, predictor " << static_cast<int>(format.predictor);
    encoder.encode(format, options, pointers_to(planes, format), again);
    EXPECT_TRUE(again == encoded);
  }
}

TEST(BlockEncoder, LevelsChangeNothingButTheSize) {
  BlockFormat format{.width = 64, .height = 64, .compression = Compression::deflate};
  const Bytes planes = planes_of(format);
  BlockEncoder encoder;
  BlockDecoder decoder;
  for (const auto compression : {Compression::deflate, Compression::zstd}) {
    format.compression = compression;
    Bytes low, high, decoded(format.bytes());
    encoder.encode(format, {.level = 1}, pointers_to(planes, format), low);
    encoder.encode(format, {.level = 12}, pointers_to(planes, format), high);
    EXPECT_LT(high.size(), low.size());
    decoder.decode(format, high, decoded);
    EXPECT_TRUE(decoded == planes);
  }
}

TEST(BlockEncoder, WantsAPlaneForEachSample) {
  const BlockFormat format{.width = 16, .height = 16, .samples = 2};
  const Bytes planes = planes_of(format);
  Bytes encoded;
  BlockEncoder encoder;
  std::vector<const std::byte*> one{planes.data()};
  EXPECT_THROW(encoder.encode(format, {}, one, encoded), Error);
}

}  // namespace
}  // namespace geoloom::tiff
