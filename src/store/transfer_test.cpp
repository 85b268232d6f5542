// SPDX-License-Identifier: Apache-2.0
#include "store/transfer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "store/test_store.h"

namespace geoloom::store {
namespace {

std::vector<std::string> names_of(const std::vector<Object>& objects) {
  std::vector<std::string> names;
  for (const auto& object : objects) names.push_back(object.name);
  return names;
}

ErrorCode code_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

// One side is always a folder, the other any kind.
class Transfers : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (IsSkipped()) return;
    place = store->path_of("a").substr(0, store->path_of("a").size() - 2);
    folder = ::testing::TempDir() + "transfers-" + std::to_string(std::random_device{}());
    put("a", "one");
    put("deep/er/b", std::string(100000, 'b'));
    put("pre/x", "x");
    put("prefix2", "y");
  }
  void TearDown() override {
    StoreTest::TearDown();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
  void put(const std::string& name, const std::string& bytes) const {
    const auto path = std::filesystem::path(folder) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static size_t done(const TransferPlan& plan) {
    TransferOptions options;
    options.attempts = 1;
    options.failed = [](const Transfer& transfer, const Error& error) {
      ADD_FAILURE() << transfer.name << ": " << error.what();
    };
    EXPECT_EQ(carry_out(plan, options), 0U);
    return plan.transfers.size();
  }
  std::string place, folder;
  const std::vector<std::string> all{"a", "deep/er/b", "pre/x", "prefix2"};
};

TEST_P(Transfers, CopyThereAndBack) {
  EXPECT_EQ(done(plan_copy(folder, place + "/there", true)), 4U);
  EXPECT_EQ(names_of(list_objects(place + "/there", true)), all);
  EXPECT_EQ(names_of(list_objects(place + "/there", false)),
            (std::vector<std::string>{"a", "prefix2"}));
  EXPECT_EQ(store->get_bytes("there/deep/er/b", 1 << 20), std::string(100000, 'b'));
  EXPECT_EQ(done(plan_copy(place + "/there", folder + "/back", true)), 4U);
  EXPECT_EQ(names_of(list_objects(folder + "/back", true)), all);
  // No scratch is left.
  EXPECT_FALSE(std::filesystem::exists(folder + "/back/.scratch"));
  done(plan_copy(folder + "/a", place + "/one/", false));
  done(plan_copy(folder + "/a", place + "/two", false));
  EXPECT_EQ(store->get_bytes("one/a", 9), "one");
  EXPECT_EQ(store->get_bytes("two", 9), "one");
  EXPECT_EQ(code_of([&] { plan_copy(folder + "/none", place, false); }), ErrorCode::missing);
  EXPECT_EQ(code_of([&] { plan_copy(place + "/none", folder, true); }), ErrorCode::missing);
  EXPECT_EQ(code_of([&] { plan_copy(place, place + "/inside", true); }), ErrorCode::invalid);
}

TEST_P(Transfers, SyncCopiesWhatDiffers) {
  const auto there = place + "/there";
  EXPECT_EQ(done(plan_sync(folder, there, true)), 4U);
  auto plan = plan_sync(folder, there, true);
  EXPECT_TRUE(plan.transfers.empty());
  EXPECT_EQ(plan.unchanged, 4U);
  put("a", "other size");
  put("prefix2", "z");  // the same size
  std::filesystem::last_write_time(
      folder + "/prefix2",
      std::filesystem::file_time_type::clock::now() + std::chrono::seconds(10));
  std::filesystem::remove_all(folder + "/deep");
  plan = plan_sync(folder, there, false);
  EXPECT_EQ(plan.transfers.size(), 2U);
  EXPECT_EQ(plan.bytes_to_copy(), 11);
  plan = plan_sync(folder, there, true);
  EXPECT_EQ(plan.transfers.size(), 3U);
  EXPECT_EQ(plan.bytes_to_remove(), 100000);
  done(plan);
  EXPECT_EQ(store->get_bytes("there/a", 99), "other size");
  EXPECT_EQ(store->get_bytes("there/prefix2", 99), "z");
  EXPECT_EQ(store->size_of("there/deep/er/b"), std::nullopt);
  // A source that is not there is no reason to remove everything.
  EXPECT_EQ(code_of([&] { plan_sync(folder + "/typo", there, true); }), ErrorCode::missing);
}

TEST_P(Transfers, RemovalEndsAtPartsOfNames) {
  done(plan_copy(folder, place, true));
  EXPECT_EQ(code_of([&] { plan_removal(place + "/pre", false); }), ErrorCode::missing);
  EXPECT_EQ(code_of([&] { plan_removal(place + "/pr", true); }), ErrorCode::missing);
  EXPECT_EQ(done(plan_removal(place + "/pre", true)), 1U);
  EXPECT_EQ(names_of(list_objects(place, true)),
            (std::vector<std::string>{"a", "deep/er/b", "prefix2"}));
  EXPECT_EQ(done(plan_removal(place + "/a", false)), 1U);
  EXPECT_EQ(done(plan_removal(place, true)), 2U);
  EXPECT_TRUE(store->list("").empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, Transfers, ::testing::ValuesIn(store_kinds()));

TEST(TransfersOfFolders, RefuseToRemoveTooMuch) {
  for (const char* path : {"/", ".", "..", "//", "/tmp/.."})
    EXPECT_EQ(code_of([path] { plan_removal(path, true); }), ErrorCode::denied) << path;
}

// The target stays as it was when a copy fails, and others go on.
TEST(TransfersOfFolders, AFailureIsOneObjects) {
  const auto folder = ::testing::TempDir() + "failing-" + std::to_string(std::random_device{}());
  std::filesystem::create_directories(folder + "/to/b");  // a folder where a file should go
  std::filesystem::create_directories(folder + "/from");
  for (const char* name : {"a", "b", "c"}) std::ofstream(folder + "/from/" + name) << name;
  std::vector<std::string> failed;
  TransferOptions options;
  options.failed = [&](const Transfer& transfer, const Error&) { failed.push_back(transfer.name); };
  options.attempts = 1;
  auto plan = plan_copy(folder + "/from", folder + "/to", true);
  plan.transfers.push_back({.kind = Transfer::Kind::remove, .name = "a", .to = folder + "/from/a"});
  EXPECT_EQ(carry_out(plan, options), 1U);
  EXPECT_EQ(failed, std::vector<std::string>{"b"});
  EXPECT_TRUE(std::filesystem::exists(folder + "/to/c"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/from/a"));  // nothing is removed after a failure
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace geoloom::store
