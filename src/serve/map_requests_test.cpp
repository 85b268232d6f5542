// SPDX-License-Identifier: Apache-2.0
#include "serve/map_requests.h"

#include <gtest/gtest.h>

#include "error/error.h"

namespace geoloom::serve {
namespace {

ErrorCode code_of(const char* address) {
  try {
    (void)tile_request(address);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "taken: " << address;
  return ErrorCode::internal;
}

TEST(TileRequest, IsReadStrictly) {
  const auto plain = tile_request("7/66/44.png");
  EXPECT_EQ(plain.tile.zoom, 7);
  EXPECT_EQ(plain.tile.column, 66);
  EXPECT_EQ(plain.tile.row, 44);
  EXPECT_EQ(plain.pixels, 256);
  EXPECT_EQ(tile_request("0/0/0@2x.png").pixels, 512);
  for (const char* none :
       {"", "7/66/44", "7/66/44.jpg", "7/66.png", "7//44.png", "7/66/44/1.png", "x/66/44.png",
        "7/66/ 44.png", "7/66/+44.png", "7/-1/44.png", "7/128/44.png", "25/0/0.png", "-1/0/0.png",
        "7/99999999999999999999/1.png", "1e1/0/0.png", "7/66/44.5.png"})
    EXPECT_EQ(code_of(none), ErrorCode::missing) << none;
}

TEST(Numbers, AreReadStrictly) {
  EXPECT_EQ(number_of("-1.5e3", "min"), -1500);
  for (const char* none : {"", " 1", "1 ", "1,5", "nan", "inf", "0x10", "1e999"})
    EXPECT_THROW(number_of(none, "min"), Error) << none;
}

}  // namespace
}  // namespace geoloom::serve
