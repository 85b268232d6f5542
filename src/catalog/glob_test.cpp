// SPDX-License-Identifier: Apache-2.0
#include "catalog/glob.h"

#include <gtest/gtest.h>

namespace geoloom::catalog {
namespace {

TEST(Glob, Names) {
  EXPECT_TRUE(glob_matches("*.tif", "a.tif"));
  EXPECT_FALSE(glob_matches("*.tif", "a/b.tif"));
  EXPECT_FALSE(glob_matches("*.tif", ".hidden.tif"));
  EXPECT_TRUE(glob_matches(".h*", ".hidden.tif"));
  EXPECT_TRUE(glob_matches("S2?_2018*_B0[2-4].tif", "S2A_20180501_B03.tif"));
  EXPECT_FALSE(glob_matches("S2?_2018*_B0[2-4].tif", "S2A_20180501_B08.tif"));
  EXPECT_TRUE(glob_matches("[!a-c]x", "dx"));
  EXPECT_FALSE(glob_matches("[!a-c]x", "bx"));
  EXPECT_TRUE(glob_matches("[]]", "]"));
  EXPECT_TRUE(glob_matches("a[b", "a[b")) << "an open bracket stands for itself";
  EXPECT_TRUE(glob_matches("*a*b", "aab"));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, Folders) {
  EXPECT_TRUE(glob_matches("**/*.tif", "a.tif"));
  EXPECT_TRUE(glob_matches("**/*.tif", "x/y/a.tif"));
  EXPECT_TRUE(glob_matches("x/**/a.tif", "x/a.tif"));
  EXPECT_TRUE(glob_matches("*/IMG/*.jp2", "s/IMG/b.jp2"));
  EXPECT_FALSE(glob_matches("*/IMG/*.jp2", "s/t/IMG/b.jp2"));
  EXPECT_TRUE(glob_matches("x/**", "x/y/a.tif"));
  EXPECT_FALSE(glob_matches("**/*.tif", ".git/a.tif"));
}

TEST(Glob, ManyStarsTakeNoTime) {
  const std::string name(2000, 'a');
  std::string stars, folders;
  for (int i = 0; i < 200; ++i) stars += "*a";
  EXPECT_FALSE(glob_matches(stars + "b", name));
  for (int i = 0; i < 100; ++i) folders += "**/";
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "a/";
  EXPECT_FALSE(glob_matches(folders + "b", deep + "c"));
}

TEST(Glob, Splits) {
  const GlobParts one = split_glob("/data/s2/*.tif");
  EXPECT_EQ(one.folder, "/data/s2");
  EXPECT_EQ(one.pattern, "*.tif");
  EXPECT_FALSE(one.recursive);
  const GlobParts deep = split_glob("/data/20*/x/*.tif");
  EXPECT_EQ(deep.folder, "/data");
  EXPECT_EQ(deep.pattern, "20*/x/*.tif");
  EXPECT_TRUE(deep.recursive);
  EXPECT_EQ(split_glob("*.tif").folder, ".");
  EXPECT_EQ(split_glob("/*.tif").folder, "/");
}

}  // namespace
}  // namespace geoloom::catalog
