// SPDX-License-Identifier: Apache-2.0
#include "tiff/libtiff_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "error/error.h"

namespace geoloom::tiff {
namespace {

using Bytes = std::vector<std::byte>;

// A smooth surface with some noise.
Bytes pixels_of(const BlockFormat& format, unsigned seed = 1) {
  std::mt19937 random(seed);
  Bytes bytes(format.bytes());
  const auto sample_bytes = static_cast<size_t>(format.bits / 8);
  const size_t count = bytes.size() / sample_bytes;
  const auto per_row = static_cast<size_t>(format.width * format.samples);
  for (size_t i = 0; i < count; ++i) {
    const auto value = i % per_row / 2 + i / per_row + random() % 4 + 20 * (i % 3);
    std::byte* at = bytes.data() + i * sample_bytes;
    if (format.sample_format == SampleFormat::floating_point && format.bits == 32) {
      const float number = static_cast<float>(value) / 7;
      std::memcpy(at, &number, 4);
    } else {
      std::memcpy(at, &value, sample_bytes);
    }
  }
  return bytes;
}

BlockFormat format_of(Compression compression, int samples, int bits,
                      SampleFormat sample_format = SampleFormat::unsigned_integer) {
  return {.width = 48,
          .height = 32,
          .samples = samples,
          .bits = bits,
          .sample_format = sample_format,
          .compression = compression};
}

std::vector<BlockFormat> lossless_formats() {
  std::vector<BlockFormat> formats;
  for (const int samples : {1, 3, 4, 7}) {
    for (const auto& [bits, kind] : {std::pair{8, SampleFormat::unsigned_integer},
                                     {16, SampleFormat::unsigned_integer},
                                     {16, SampleFormat::signed_integer},
                                     {32, SampleFormat::floating_point}}) {
      formats.push_back(format_of(Compression::lerc, samples, bits, kind));
      for (const auto predictor :
           {Predictor::none, Predictor::horizontal, Predictor::floating_point}) {
        if (predictor == Predictor::floating_point && kind != SampleFormat::floating_point)
          continue;
        formats.push_back(format_of(Compression::lzw, samples, bits, kind));
        formats.back().predictor = predictor;
      }
    }
  }
  return formats;
}

BlockFormat picture() {
  BlockFormat format = format_of(Compression::jpeg, 3, 8);
  format.photometric = Photometric::ycbcr;
  return format;
}

std::string message_of(LibtiffCodec& codec, const BlockFormat& format, const Bytes& encoded) {
  Bytes pixels(format.bytes());
  try {
    codec.decode(format, encoded, pixels);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::corrupt);
    return e.cause();
  }
  return "";
}

TEST(LibtiffCodec, DecodesWhatItEncodes) {
  LibtiffCodec codec;
  for (const BlockFormat& format : lossless_formats()) {
    const Bytes pixels = pixels_of(format);
    Bytes encoded, decoded(pixels.size());
    codec.encode(format, {}, pixels, encoded);
    codec.decode(format, encoded, decoded);
    EXPECT_TRUE(decoded == pixels)
        << static_cast<int>(format.compression) << " " << format.bits << " x " << format.samples;
    Bytes again;
    codec.encode(format, {}, pixels, again);
    EXPECT_TRUE(encoded == again) << static_cast<int>(format.compression) << " " << format.bits
                                  << " x " << format.samples;
  }
}

TEST(LibtiffCodec, LercStaysWithinItsError) {
  BlockFormat format = format_of(Compression::lerc, 1, 32, SampleFormat::floating_point);
  const Bytes pixels = pixels_of(format);
  LibtiffCodec codec;
  Bytes exact, coarse, decoded(pixels.size());
  codec.encode(format, {}, pixels, exact);
  codec.encode(format, {.max_z_error = 0.5}, pixels, coarse);
  EXPECT_LT(coarse.size(), exact.size());
  codec.decode(format, coarse, decoded);
  float largest = 0;
  for (size_t i = 0; i < pixels.size(); i += 4) {
    float a, b;
    std::memcpy(&a, pixels.data() + i, 4);
    std::memcpy(&b, decoded.data() + i, 4);
    largest = std::max(largest, std::abs(a - b));
  }
  EXPECT_GT(largest, 0);
  EXPECT_LE(largest, 0.5);
}

TEST(LibtiffCodec, LercRefusesNan) {
  const BlockFormat format = format_of(Compression::lerc, 3, 32, SampleFormat::floating_point);
  Bytes pixels = pixels_of(format), encoded;
  const float nan = std::nanf("");
  std::memcpy(pixels.data() + 80, &nan, 4);
  LibtiffCodec codec;
  EXPECT_THROW(codec.encode(format, {}, pixels, encoded), Error);
}

TEST(LibtiffCodec, EncodesNoise) {
  std::mt19937 random(9);
  LibtiffCodec codec;
  for (BlockFormat format : lossless_formats()) {
    format.sample_format = SampleFormat::unsigned_integer;
    if (format.predictor == Predictor::floating_point) continue;
    Bytes pixels(format.bytes()), encoded, decoded(pixels.size());
    for (auto& byte : pixels) byte = static_cast<std::byte>(random());
    codec.encode(format, {}, pixels, encoded);
    codec.decode(format, encoded, decoded);
    EXPECT_TRUE(decoded == pixels);
  }
}

TEST(LibtiffCodec, JpegPicturesAreRgbOnBothSides) {
  for (const int samples : {1, 3}) {
    BlockFormat format = samples == 3 ? picture() : format_of(Compression::jpeg, 1, 8);
    Bytes pixels(format.bytes());
    for (size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::byte>(i % 3 == 0 && samples == 3 ? 200 : 60);
    LibtiffCodec codec;
    Bytes encoded, decoded(pixels.size());
    codec.encode(format, {.quality = 95}, pixels, encoded);
    codec.decode(format, encoded, decoded);
    for (size_t i = 0; i < pixels.size(); ++i)
      ASSERT_NEAR(std::to_integer<int>(pixels[i]), std::to_integer<int>(decoded[i]), 4) << i;
  }
}

TEST(LibtiffCodec, ReadsSamplesOfBigEndianFiles) {
  BlockFormat format = format_of(Compression::lzw, 1, 16);
  const Bytes pixels = pixels_of(format);
  Bytes swapped = pixels;
  for (size_t i = 0; i < swapped.size(); i += 2) std::swap(swapped[i], swapped[i + 1]);
  LibtiffCodec codec;
  Bytes encoded, decoded(pixels.size());
  codec.encode(format, {}, swapped, encoded);
  format.big_endian = true;
  codec.decode(format, encoded, decoded);
  EXPECT_TRUE(decoded == pixels);
}

TEST(LibtiffCodec, RefusesWhatIsCutOff) {
  LibtiffCodec codec;
  testing::internal::CaptureStderr();
  for (const BlockFormat& format :
       {format_of(Compression::lzw, 3, 8), picture(), format_of(Compression::lerc, 1, 16)}) {
    const Bytes pixels = pixels_of(format);
    Bytes encoded;
    codec.encode(format, {}, pixels, encoded);
    EXPECT_EQ(message_of(codec, format, encoded), "");
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{3}, encoded.size() / 3, encoded.size() * 9 / 10}) {
      const Bytes part(encoded.begin(), encoded.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_NE(message_of(codec, format, part), "")
          << static_cast<int>(format.compression) << " with " << size << " bytes";
    }
    EXPECT_EQ(message_of(codec, format, encoded), "") << "usable after a failure";
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// Damaged bytes may decode to something else, but only into the block.
TEST(LibtiffCodec, NeverWritesBeyondTheBlock) {
  std::mt19937 random(5);
  LibtiffCodec codec;
  testing::internal::CaptureStderr();
  for (const BlockFormat& format :
       {format_of(Compression::lzw, 3, 8), picture(), format_of(Compression::lerc, 1, 16)}) {
    Bytes encoded;
    codec.encode(format, {}, pixels_of(format), encoded);
    for (int round = 0; round < 300; ++round) {
      Bytes damaged = encoded;
      for (int i = 0; i < 1 + round % 8; ++i)
        damaged[random() % damaged.size()] = static_cast<std::byte>(random());
      Bytes guarded(format.bytes() + 64, std::byte{0xA5});
      try {
        codec.decode(format, damaged, std::span(guarded).subspan(32, format.bytes()));
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::corrupt);
      }
      for (size_t i = 0; i < 32; ++i) {
        ASSERT_EQ(guarded[i], std::byte{0xA5});
        ASSERT_EQ(guarded[guarded.size() - 1 - i], std::byte{0xA5});
      }
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LibtiffCodec, RefusesABlockOfAnotherSize) {
  LibtiffCodec codec;
  Bytes encoded;
  const BlockFormat small = picture();
  codec.encode(small, {}, pixels_of(small), encoded);
  for (const int width : {16, 64}) {
    BlockFormat other = small;
    other.width = width;
    EXPECT_NE(message_of(codec, other, encoded), "");
  }
}

TEST(LibtiffCodec, ThreadsDoNotMeet) {
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      LibtiffCodec codec;
      for (const BlockFormat& format : lossless_formats()) {
        const Bytes pixels = pixels_of(format, t);
        Bytes encoded, decoded(pixels.size());
        codec.encode(format, {}, pixels, encoded);
        codec.decode(format, encoded, decoded);
        EXPECT_TRUE(decoded == pixels);
        EXPECT_NE(message_of(codec, format, Bytes(encoded.begin(), encoded.begin() + 2)), "");
      }
    });
}

}  // namespace
}  // namespace geoloom::tiff
