// SPDX-License-Identifier: Apache-2.0
#include "store/zip_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "error/error.h"

namespace geoloom::store {
namespace {

class ZipFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  static std::string bytes_of(const std::string& path) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  }
  static void write(const std::string& path) {
    ZipWriter zip(path);
    zip.add("card.json", "{}");
    zip.begin("data/a.npy", 5);
    zip.write("ab", 2);
    zip.write("cde", 3);
    zip.add("empty", "");
    zip.close();
  }
  static ErrorCode code_of(const std::string& path) {
    try {
      const ZipReader zip(path);
      for (const auto& member : zip.members()) (void)zip.text(member.name, 1 << 20);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  }

 private:
  std::string folder_ = ::testing::TempDir() + "zip-test-" + std::to_string(::getpid());
};

TEST_F(ZipFile, GivesBackWhatItWasGiven) {
  write(file("a.zip"));
  const ZipReader zip(file("a.zip"));
  ASSERT_EQ(zip.members().size(), 3U);
  EXPECT_EQ(zip.text("card.json", 100), "{}");
  EXPECT_EQ(zip.text("data/a.npy", 5), "abcde");
  EXPECT_EQ(zip.text("empty", 0), "");
  EXPECT_EQ(zip.find("data/a.npy")->bytes, 5U);
  EXPECT_EQ(zip.find("b"), nullptr);
  EXPECT_THROW((void)zip.text("b", 10), Error);
  EXPECT_THROW((void)zip.text("data/a.npy", 4), Error);
  ZipMemberStream stream(zip, "data/a.npy");
  char piece[4];
  EXPECT_EQ(stream.read(piece, 4), 4U);
  EXPECT_EQ(stream.read(piece, 4), 1U);
  EXPECT_EQ(stream.read(piece, 4), 0U);
}

TEST_F(ZipFile, IsTheSameBytes) {
  write(file("a.zip"));
  ::setenv("TZ", "Pacific/Auckland", 1);
  write(file("b.zip"));
  ::unsetenv("TZ");
  EXPECT_EQ(bytes_of(file("a.zip")), bytes_of(file("b.zip")));
}

TEST_F(ZipFile, AppearsWhenWhole) {
  {
    ZipWriter zip(file("a.zip"));
    zip.begin("a", 3);
    zip.write("ab", 2);
    EXPECT_THROW(zip.write("cd", 2), Error);
    EXPECT_THROW(zip.close(), Error);
  }
  EXPECT_FALSE(std::filesystem::exists(file("a.zip")));
  EXPECT_FALSE(std::filesystem::exists(file("a.zip.part")));
  EXPECT_THROW(ZipWriter(file("none/a.zip")), Error);
}

TEST_F(ZipFile, RefusesDamage) {
  EXPECT_EQ(code_of(file("none.zip")), ErrorCode::missing);
  write(file("a.zip"));
  const auto whole = bytes_of(file("a.zip"));
  for (size_t length = 0; length < whole.size(); ++length) {
    std::ofstream(file("cut.zip"), std::ios::binary) << whole.substr(0, length);
    EXPECT_EQ(code_of(file("cut.zip")), ErrorCode::corrupt) << length;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    auto other = whole;
    other[at] = static_cast<char>(other[at] ^ 0x55);
    std::ofstream(file("other.zip"), std::ios::binary) << other;
    (void)code_of(file("other.zip"));  // any answer or Error
  }
  auto content = whole;
  content[content.find("abcde")] = 'X';
  std::ofstream(file("content.zip"), std::ios::binary) << content;
  EXPECT_EQ(code_of(file("content.zip")), ErrorCode::corrupt);
}

TEST_F(ZipFile, RefusesWhatNoHonestFileHas) {
  {
    ZipWriter zip(file("out.zip"));
    zip.add("../a", "x");
    zip.close();
  }
  EXPECT_EQ(code_of(file("out.zip")), ErrorCode::denied);
  {
    ZipWriter zip(file("twice.zip"));
    zip.add("a", "x");
    zip.add("a", "y");
    zip.close();
  }
  EXPECT_EQ(code_of(file("twice.zip")), ErrorCode::denied);
}

}  // namespace
}  // namespace geoloom::store
