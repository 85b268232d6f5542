// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <sys/wait.h>

#include <fstream>

#include "error/error.h"
#include "store/test_store.h"

namespace geoloom::store {
namespace {

std::string scratch_file(const std::string& bytes) {
  const auto path = ::testing::TempDir() + "scratch-" + std::to_string(std::random_device{}());
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

class AnyStore : public StoreTest {};

TEST_P(AnyStore, KeepsWhatIsPut) {
  store->put_bytes("hello", "a/b.txt");
  const auto scratch = scratch_file(std::string(100000, 'x'));
  store->put_file(scratch, "a/c.bin");
  EXPECT_FALSE(std::filesystem::exists(scratch));
  EXPECT_EQ(store->get_bytes("a/b.txt", 100), "hello");
  EXPECT_EQ(store->size_of("a/c.bin"), 100000);
  EXPECT_EQ(store->size_of("a/none"), std::nullopt);
  EXPECT_EQ(store->list("a/"), (std::vector<std::string>{"a/b.txt", "a/c.bin"}));
  EXPECT_TRUE(store->list("none/").empty());
  store->put_bytes("again", "a/b.txt");
  EXPECT_EQ(store->get_bytes("a/b.txt", 100), "again");
  store->remove("a/b.txt");
  store->remove("a/b.txt");
  EXPECT_EQ(store->list("a/"), std::vector<std::string>{"a/c.bin"});
}

TEST_P(AnyStore, RefusesNamesThatLeaveIt) {
  for (const auto* name : {"", "../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a b", "a\nb"}) {
    try {
      store->put_bytes("x", name);
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::denied) << name;
    }
  }
}

TEST_P(AnyStore, RefusesToReadMoreThanTheLimit) {
  store->put_bytes("0123456789", "ten");
  EXPECT_EQ(store->get_bytes("ten", 10).size(), 10U);
  EXPECT_THROW(store->get_bytes("ten", 9), Error);
  EXPECT_THROW(store->get_bytes("none", 9), Error);
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, ::testing::ValuesIn(store_kinds()));

TEST(OpenStore, SaysWhyAPlaceCannotBeWritten) {
  const auto file = scratch_file("not a folder");
  for (const auto& url : {file, file + "/below", std::string("gs://bucket/x"), std::string()}) EXPECT_THROW(open_store(url), Error) << url;
  std::filesystem::remove(file);
}

TEST(ScratchFolder, IsRemovedWithItsOwner) {
  const auto parent = ::testing::TempDir() + "scratch-parent-" + std::to_string(std::random_device{}());
  std::string left_behind;
  {
    const Scratch mine(parent);
    std::ofstream(mine.file("x")) << "x";
    // A process that dies leaves its folder; the next owner removes it, but not mine.
    const pid_t child = ::fork();
    if (child == 0) {
      const Scratch theirs(parent);
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(parent), {}), 2);
    const Scratch next(parent);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(parent), {}), 2);
    EXPECT_TRUE(std::filesystem::exists(mine.path()));
  }
  EXPECT_FALSE(std::filesystem::exists(parent));
}

}  // namespace
}  // namespace geoloom::store
