// SPDX-License-Identifier: Apache-2.0
#include "engine/attempts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "engine/receipts.h"
#include "gdal/dataset.h"

namespace geoloom::engine {
namespace {

using testing::ElementsAre;

class Attempts : public ::testing::Test {
 protected:
  void SetUp() override {
    gdal::initialise();
    store = store::open_store(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static AttemptRecord failed(int attempt, const std::string& time) {
    AttemptRecord record;
    record.time = time;
    record.step = "composite";
    record.item = "0_0";
    record.attempt = attempt;
    record.seconds = {1.5, 0.25, 0};
    record.memory_bytes = 1 << 20;
    record.fail(Error(ErrorCode::unavailable, "no answer").hint("wait"));
    record.log = {{{0.5, MessageLevel::warning, "half a block", 3}}, 2};
    return record;
  }

  void log(const AttemptRecord& record) {
    store::SegmentWriter(*store, attempts_folder("r1")).append(to_json(record).dump());
  }

  void commit(const std::string& run, const std::string& fingerprint) {
    Receipt receipt;
    receipt.run = run;
    receipt.fingerprint = fingerprint;
    receipt.step = "composite";
    receipt.item = "0_0";
    receipt.attempt = 2;
    receipt.finished = "2026-11-22T10:00:02.000Z";
    receipt.memory_bytes = 5;
    receipt.dropped.push_back({"scene_2", "corrupt: it ends early"});
    receipt.notes.push_back("two layers");
    receipt.log = {{{0.1, MessageLevel::note, "sent again", 1}}, 0};
    store::SegmentWriter(*store, kReceiptsFolder).append(to_json(receipt).dump());
  }

  std::string folder = ::testing::TempDir() + "attempts-" + std::to_string(std::random_device{}());
  std::unique_ptr<store::Store> store;
};

std::vector<std::string> texts(const AttemptRecord& attempt) {
  std::vector<std::string> all;
  for (const auto& each : attempt.log.messages) all.push_back(each.text);
  return all;
}

TEST_F(Attempts, AreThoseThatFailedAndThoseThatReceiptsTellOf) {
  commit("r1", "f1");
  commit("r2", "f2");
  log(failed(1, "2026-11-22T10:00:01.000Z"));
  const auto all = read_attempts(*store, "r1");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].state, "failed");
  EXPECT_EQ(all[0].seconds.read, 1.5);
  EXPECT_EQ(all[0].memory_bytes, 1U << 20);
  EXPECT_EQ(all[0].log.messages[0].times, 3U);
  EXPECT_EQ(all[0].log.messages[0].level, MessageLevel::warning);
  EXPECT_EQ(all[0].log.left_out, 2U);
  EXPECT_EQ(all[1].state, "done");
  EXPECT_EQ(all[1].attempt, 2);
  EXPECT_THAT(
      texts(all[1]),
      ElementsAre("sent again", "scene scene_2 left out: corrupt: it ends early", "two layers"));
  const auto failures = read_failed_attempts(*store, "r1");
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].error_code, "unavailable");
}

TEST_F(Attempts, AreReadOnceEach) {
  AttemptReader reader(*store, "r1", AttemptsWanted::all);
  EXPECT_EQ(reader.read_new().size(), 0U);
  commit("r1", "f1");
  EXPECT_EQ(reader.read_new().size(), 1U);
  log(failed(1, "2026-11-22T10:00:01.000Z"));
  EXPECT_EQ(reader.read_new().size(), 1U);
  EXPECT_EQ(reader.read_new().size(), 0U);
}

TEST_F(Attempts, OfBeforeThereWereLogsAreRead) {
  auto json = to_json(failed(1, "2026-11-22T10:00:01.000Z"));
  json.erase("log");
  json.erase("seconds");
  json.erase("memory_bytes");
  const auto record = attempt_from_json(json);
  EXPECT_TRUE(record.log.empty());
  EXPECT_EQ(record.memory_bytes, 0U);
}

}  // namespace
}  // namespace geoloom::engine
