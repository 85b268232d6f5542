// SPDX-License-Identifier: Apache-2.0
#include "store/tar_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "error/error.h"

namespace geoloom::store {
namespace {

class TarFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // An archive that this program would not write: one entry, a file or a link.
  std::string foreign(const std::string& name, const std::string& link_to = "", int copies = 1) {
    const auto path = folder + "/foreign.tar";
    archive* file = archive_write_new();
    archive_write_set_format_pax_restricted(file);
    archive_write_open_filename(file, path.c_str());
    for (int i = 0; i < copies; ++i) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_filetype(entry, link_to.empty() ? AE_IFREG : AE_IFLNK);
      if (!link_to.empty()) archive_entry_set_symlink(entry, link_to.c_str());
      archive_entry_set_size(entry, link_to.empty() ? 1 : 0);
      archive_write_header(file, entry);
      if (link_to.empty()) archive_write_data(file, "x", 1);
      archive_entry_free(entry);
    }
    archive_write_free(file);
    return path;
  }

  static ErrorCode refused(const std::string& path, size_t limit_bytes = 1000) {
    try {
      (void)read_tar_file(path, limit_bytes);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  }

  std::string folder = ::testing::TempDir() + "tar-" + std::to_string(std::random_device{}());
};

std::string bytes_of(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

TEST_F(TarFile, HoldsTextsByName) {
  const NamedTexts texts{{"a.json", "{}"}, {"document/w.yaml", std::string("x\0y", 3)}, {"e", ""}};
  write_tar_file(folder + "/one.tar", texts);
  write_tar_file(folder + "/two.tar", texts);
  EXPECT_EQ(read_tar_file(folder + "/one.tar", 100), texts);
  EXPECT_EQ(bytes_of(folder + "/one.tar"), bytes_of(folder + "/two.tar"));
  EXPECT_FALSE(std::filesystem::exists(folder + "/one.tar.part"));
}

TEST_F(TarFile, RefusesWhatAnExportDoesNotHave) {
  for (const auto* name : {"../out", "/etc/out", "a/../../out", "a\\..\\out"})
    EXPECT_EQ(refused(foreign(name)), ErrorCode::denied) << name;
  EXPECT_EQ(refused(foreign("link", "/etc/passwd")), ErrorCode::denied);
  EXPECT_EQ(refused(foreign("twice", "", 2)), ErrorCode::denied);
  EXPECT_EQ(refused(foreign("large"), 0), ErrorCode::denied);
}

TEST_F(TarFile, SaysWhatIsNoTarFile) {
  EXPECT_EQ(refused(folder + "/nowhere.tar"), ErrorCode::missing);
  std::ofstream(folder + "/text.tar") << "not a tar file";
  EXPECT_EQ(refused(folder + "/text.tar"), ErrorCode::corrupt);
  write_tar_file(folder + "/whole.tar", {{"a", std::string(5000, 'a')}});
  const auto whole = bytes_of(folder + "/whole.tar");
  std::ofstream(folder + "/torn.tar", std::ios::binary) << whole.substr(0, 2000);
  EXPECT_EQ(refused(folder + "/torn.tar", 10000), ErrorCode::corrupt);
  EXPECT_THROW(write_tar_file(folder + "/no/such/folder.tar", {}), Error);
}

}  // namespace
}  // namespace geoloom::store
