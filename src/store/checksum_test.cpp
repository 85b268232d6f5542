// SPDX-License-Identifier: Apache-2.0
#include "store/checksum.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "error/error.h"

namespace geoloom::store {
namespace {

// The published test vectors of FIPS 180-4 and of the xxHash project.
TEST(Checksum, Sha256OfKnownTexts) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Checksum, FileEqualsBytes) {
  const std::string path = ::testing::TempDir() + "checksum_test";
  std::ofstream(path) << "abc";
  EXPECT_EQ(sha256_hex_of_file(path), sha256_hex("abc"));
  std::remove(path.c_str());
  EXPECT_THROW(sha256_hex_of_file(path), Error);
}

TEST(Checksum, PixelHashDoesNotDependOnPieces) {
  PixelHash whole, pieces;
  whole.add("hello world");
  pieces.add("hello ");
  pieces.add("world");
  EXPECT_EQ(whole.hex(), pieces.hex());
  EXPECT_EQ(PixelHash().hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(xxh3_64(""), 0x2d06800538d394c2U);
}

}  // namespace
}  // namespace geoloom::store
