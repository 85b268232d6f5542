// SPDX-License-Identifier: Apache-2.0
#include "error/error.h"

#include <gtest/gtest.h>

#include "error/spelling.h"

namespace geoloom {
namespace {

TEST(Error, TextSaysWhereWhatWhyAndWhatToDo) {
  Error error(ErrorCode::corrupt, "cannot decode block 3");
  error.at({.scene = "s2"}).at({.file = "a.yaml", .line = 4, .column = 2, .scene = "other"});
  error.cause("bad zlib data").hint("download it again");
  EXPECT_STREQ(
      error.what(),
      "a.yaml:4:2, scene s2: cannot decode block 3 (bad zlib data). Hint: download it again");
}

TEST(Error, EveryCodeHasItsOwnRow) {
  for (const auto code :
       {ErrorCode::invalid, ErrorCode::missing, ErrorCode::empty, ErrorCode::corrupt,
        ErrorCode::unavailable, ErrorCode::denied, ErrorCode::resource, ErrorCode::lost,
        ErrorCode::cancelled, ErrorCode::internal}) {
    EXPECT_EQ(traits(code).code, code);
    EXPECT_EQ(error_code_of(traits(code).name), code);
  }
  EXPECT_EQ(traits(ErrorCode::invalid).exit_code, 2);
  EXPECT_FALSE(traits(ErrorCode::denied).counts_as_attempt);
}

TEST(Spelling, FindsTheNearestName) {
  const std::vector<std::string> known{"bands", "scenes", "reject", "tolerate"};
  EXPECT_EQ(nearest_spelling("band", known), "bands");
  EXPECT_EQ(nearest_spelling("Scense", known), "scenes");
  EXPECT_EQ(nearest_spelling("tolerance", known), "tolerate");
  EXPECT_EQ(nearest_spelling("quantile", known), "");
  EXPECT_EQ(spelling_hint("xyz", known), "known: bands, scenes, reject, tolerate");
}

}  // namespace
}  // namespace geoloom
