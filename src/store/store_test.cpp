// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "error/error.h"
#include "store/test_store.h"

namespace geoloom::store {
namespace {

std::string scratch_file(const std::string& bytes) {
  auto path = ::testing::TempDir() + "scratch-" + std::to_string(std::random_device{}());
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

class AnyStore : public StoreTest {};

TEST_P(AnyStore, ACopyHasTheBytesAndReplacesWhatWasThere) {
  store->put_bytes("one", "layers/l/a");
  store->put_bytes("another", "layers/l/b");
  store->copy("layers/l/a", "cube.zarr/red/0.0.0");
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.0.0", 100), "one");
  store->copy("layers/l/b", "cube.zarr/red/0.0.0");
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.0.0", 100), "another");
  EXPECT_EQ(store->get_bytes("layers/l/a", 100), "one");
  store->copy("layers/l/b", "cube.zarr/red/0.0.0");  // the same once more
  EXPECT_EQ(store->list("cube.zarr/"), std::vector<std::string>{"cube.zarr/red/0.0.0"});
  store->remove("layers/l/b");
  EXPECT_EQ(store->get_bytes("cube.zarr/red/0.0.0", 100), "another");
  EXPECT_THROW(store->copy("layers/l/nothing", "cube.zarr/red/1.0.0"), Error);
  EXPECT_FALSE(store->size_of("cube.zarr/red/1.0.0"));
}

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

// Nothing is there before all of it is: a reader asks while several parts go up.
TEST_P(AnyStore, LargeFilesShowUpWhole) {
  constexpr int64_t kBytes = int64_t{40} << 20;
  const auto other = open_store(url);
  std::atomic<bool> done{false};
  std::set<int64_t> sizes;
  std::thread reader([&] {
    while (!done)
      if (const auto size = other->size_of("large")) sizes.insert(*size);
  });
  const auto scratch = scratch_file(std::string(kBytes, 'x'));
  store->put_file(scratch, "large");
  done = true;
  reader.join();
  sizes.insert(other->size_of("large").value_or(-1));
  EXPECT_EQ(sizes, std::set<int64_t>{kBytes});
  store->put_bytes(std::string(5 << 20, 'y'), "large");
  EXPECT_EQ(other->size_of("large"), 5 << 20);
  EXPECT_EQ(other->get_bytes("large", 6 << 20), std::string(5 << 20, 'y'));
}

TEST_P(AnyStore, RefusesNamesThatLeaveIt) {
  for (const auto* name :
       {"", "../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a b", "a\nb"}) {
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

TEST_P(AnyStore, ListsByAnyPrefix) {
  for (const auto* name : {"a/1", "a/2/3", "ab/4", "b"}) store->put_bytes("x", name);
  EXPECT_EQ(store->list(""), (std::vector<std::string>{"a/1", "a/2/3", "ab/4", "b"}));
  EXPECT_EQ(store->list("a"), (std::vector<std::string>{"a/1", "a/2/3", "ab/4"}));
  EXPECT_EQ(store->list("a/2"), (std::vector<std::string>{"a/2/3"}));
  EXPECT_THROW(store->list("../"), Error);
}

TEST_P(AnyStore, ReadsWhatAnotherHandleWrote) {
  const auto other = open_store(url);
  EXPECT_EQ(store->size_of("x"), std::nullopt);
  other->put_bytes("one", "x");
  EXPECT_EQ(store->size_of("x"), 3);
  EXPECT_EQ(store->get_bytes("x", 9), "one");
  other->put_bytes("three", "x");
  EXPECT_EQ(store->get_bytes("x", 9), "three");
  EXPECT_EQ(store->list("x"), std::vector<std::string>{"x"});
  other->remove("x");
  EXPECT_TRUE(store->list("x").empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, ::testing::ValuesIn(store_kinds()));

TEST(OpenStore, SaysWhyAPlaceCannotBeWritten) {
  const auto file = scratch_file("not a folder");
  for (const auto& url : {file, file + "/below", std::string("ftp://bucket/x"),
                          std::string("https://host/x"), std::string("s3://"), std::string()})
    EXPECT_THROW(open_store(url), Error) << url;
  std::filesystem::remove(file);
}

// No file may grow beyond the limit: a full disk without a disk.
TEST(LocalStore, AFullDiskIsAResourceErrorAndLeavesNothing) {
  const auto folder = ::testing::TempDir() + "full-" + std::to_string(std::random_device{}());
  const auto store = open_store(folder);
  rlimit previous{};
  getrlimit(RLIMIT_FSIZE, &previous);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{1000, previous.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limited);
  ErrorCode put = ErrorCode::internal;
  ErrorCode appended = ErrorCode::internal;
  try {
    store->put_bytes(std::string(5000, 'x'), "a");
  } catch (const Error& error) {
    put = error.code();
  }
  try {
    store->append_record(std::string(5000, 'x') + "\n", "b");
  } catch (const Error& error) {
    appended = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(put, ErrorCode::resource);
  EXPECT_EQ(appended, ErrorCode::resource);
  EXPECT_EQ(store->list(""), std::vector<std::string>{"b"});
  std::filesystem::remove_all(folder);
}

TEST(AllowedRoots, HoldForStoresAndTheLinksInThem) {
  const auto parent = ::testing::TempDir() + "roots-" + std::to_string(std::random_device{}());
  const auto denied = [](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code() == ErrorCode::denied;
    }
    return false;
  };
  open_store(parent + "/other")->put_bytes("secret", "a");
  std::filesystem::create_directory(parent + "/out");
  std::filesystem::create_directory_symlink(parent + "/other", parent + "/out/away");
  {
    const gdal::AccessRestriction restriction({.read = {}, .write = {parent + "/out"}});
    const auto store = open_store(parent + "/out/store");
    store->put_bytes("mine", "a");
    EXPECT_EQ(store->get_bytes("a", 9), "mine");
    const auto linked = open_store(parent + "/out");
    EXPECT_TRUE(denied([&] { (void)linked->get_bytes("away/a", 9); }));
    EXPECT_TRUE(denied([&] { (void)linked->size_of("away/a"); }));
    EXPECT_TRUE(denied([&] { linked->put_bytes("x", "away/b"); }));
    EXPECT_TRUE(denied([&] { linked->append_record("x", "away/b"); }));
    EXPECT_TRUE(denied([&] { linked->remove("away/a"); }));
    EXPECT_TRUE(denied([&] { open_store(parent + "/other"); }));
    EXPECT_TRUE(denied([&] { open_store(parent + "/out/../new"); }));
    EXPECT_TRUE(denied([&] { open_store("s3://bucket/prefix"); }));
    // The scratch folder of a bucket is outside of every root, and the process's own.
    const Scratch scratch(parent + "/scratch");
    gdal::write_file(scratch.file("x"), "x");
  }
  EXPECT_EQ(open_store(parent + "/other")->get_bytes("a", 9), "secret");
  EXPECT_FALSE(std::filesystem::exists(parent + "/new"));
  std::filesystem::remove_all(parent);
}

// Processes that come and go never take the folder of a live one.
TEST(ScratchFolder, ManyProcessesDoNotDisturbEachOther) {
  const auto parent =
      ::testing::TempDir() + "scratch-many-" + std::to_string(std::random_device{}());
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int n = 0; n < 50; ++n) {
        try {
          const Scratch scratch(parent);
          std::ofstream(scratch.file("x")) << "x";
          if (!std::filesystem::exists(scratch.path() + "/lock")) ::_exit(1);
        } catch (const Error& error) {
          std::fprintf(stderr, "%s\n", error.what());
          ::_exit(2);
        }
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  std::filesystem::remove_all(parent);
}

TEST(ScratchFolder, IsRemovedWithItsOwner) {
  const auto parent =
      ::testing::TempDir() + "scratch-parent-" + std::to_string(std::random_device{}());
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

TEST(ScratchFolder, OneWhoseOwnerDiedWhileMakingItGoesToo) {
  const auto parent =
      ::testing::TempDir() + "scratch-parent-" + std::to_string(std::random_device{}());
  const auto newborn = parent + "/new-geoloom-1-00000000";
  std::filesystem::create_directories(newborn);
  std::ofstream(newborn + "/lock") << "";
  { const Scratch scratch(parent); }
  EXPECT_FALSE(std::filesystem::exists(parent));
}

}  // namespace
}  // namespace geoloom::store
