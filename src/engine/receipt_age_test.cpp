// SPDX-License-Identifier: Apache-2.0
#include "engine/receipt_age.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "geo/time.h"

namespace geoloom::engine {
namespace {

using std::chrono::hours;

constexpr const char* kEarlier = "20260101T000000Z-aaaaaaaa";
constexpr const char* kThis = "20260110T000000Z-aaaaaaaa";
constexpr const char* kLater = "20260111T000000Z-aaaaaaaa";

Receipt receipt(const std::string& run, const std::string& finished) {
  Receipt made;
  made.fingerprint = "f1";
  made.run = run;
  made.finished = finished;
  return made;
}

bool old(const Receipt& receipt, std::optional<std::chrono::milliseconds> max_age,
         const std::string& now = "2026-01-10T01:00:00Z", const std::string& id = kThis) {
  workflow::StepPolicy policy;
  policy.max_age = max_age;
  workflow::RunRecord record;
  record.id = id;
  record.created = "2026-01-10T00:00:00Z";
  return too_old(receipt, policy, record, *geo::parse_time(now));
}

TEST(ReceiptAge, IsAskedForOnlyWhereAStepSaysSo) {
  EXPECT_FALSE(old(receipt(kEarlier, "1970-01-01T00:00:00Z"), std::nullopt));
}

TEST(ReceiptAge, IsMeasuredAtTheCreationOfTheRun) {
  const auto week = hours(7 * 24);
  EXPECT_FALSE(old(receipt(kEarlier, "2026-01-03T00:00:00Z"), week));
  EXPECT_TRUE(old(receipt(kEarlier, "2026-01-02T23:59:59Z"), week));
  EXPECT_FALSE(old(receipt(kEarlier, "2026-01-03T00:00:00Z"), week, "2026-02-01T00:00:00Z"))
      << "a run that goes on later decides as it began";
  EXPECT_TRUE(old(receipt(kEarlier, "2026-01-03T00:00:00Z"), week, "2026-02-01T00:00:00Z", ""))
      << "a run that is not created yet";
}

TEST(ReceiptAge, OfItsOwnOrALaterRunAlwaysCounts) {
  for (const auto max_age : {hours(0), hours(1)})
    for (const auto* const run : {kThis, kLater}) {
      EXPECT_FALSE(old(receipt(run, "2026-01-10T00:30:00Z"), max_age));
      EXPECT_FALSE(old(receipt(run, "2020-01-01T00:00:00Z"), max_age)) << "the clock was put back";
      EXPECT_FALSE(old(receipt(run, "2030-01-01T00:00:00Z"), max_age)) << "the clock was ahead";
    }
}

TEST(ReceiptAge, WithoutCacheNothingOfAnEarlierRunCounts) {
  EXPECT_TRUE(old(receipt(kEarlier, "2026-01-10T00:00:00Z"), hours(0)));
  EXPECT_TRUE(old(receipt(kEarlier, "2026-01-10T00:30:00Z"), hours(0)));
  EXPECT_TRUE(old(receipt(kEarlier, "2026-01-10T00:30:00Z"), hours(0), "2026-01-10T01:00:00Z", ""))
      << "a run that is not created yet";
}

TEST(ReceiptAge, FromTheFutureIsTooOld) {
  EXPECT_TRUE(old(receipt(kEarlier, "2030-01-01T00:00:00Z"), hours(24)));
  EXPECT_TRUE(old(receipt(kEarlier, "yesterday"), hours(24)));
}

class ReceiptAgeInStore : public testing::Test {
 protected:
  ReceiptAgeInStore()
      : folder_(testing::TempDir() + "ages-" + std::to_string(std::random_device{}())),
        store_(store::open_store(folder_)) {}
  ~ReceiptAgeInStore() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(ReceiptAgeInStore, TheOneMadeAgainTakesThePlace) {
  auto again = receipt(kLater, "2026-01-11T00:00:00Z");
  again.again = true;
  for (const bool first : {true, false}) {
    ReceiptBook book(*store_);
    const auto* one = book.commit(first ? receipt(kEarlier, "2026-02-01T00:00:00Z") : again);
    const auto* two = book.commit(first ? again : receipt(kEarlier, "2026-02-01T00:00:00Z"));
    EXPECT_EQ(one->fingerprint, "f1") << "who holds the first can go on to look at it";
    EXPECT_EQ(two->run, kLater) << "whatever the order and the clocks";
  }
  EXPECT_EQ(ReceiptBook(*store_).find("f1")->run, kLater);
  EXPECT_TRUE(receipt_from_text(to_json(again).dump())->again);
  EXPECT_FALSE(to_json(receipt(kEarlier, "")).contains("again"));
}

TEST_F(ReceiptAgeInStore, IdsSortByCreationWhateverTheClock) {
  store_->put_bytes("{}", "runs/21000101T000000Z-aaaaaaaa/run.json");
  workflow::RunRecord record;
  record.content_hash = std::string(64, 'b');
  const auto made = workflow::write_or_resume(*store_, record);
  EXPECT_EQ(made.id, "21000101T000001Z-bbbbbbbb");
  EXPECT_LT(made.created, "2100");
}

}  // namespace
}  // namespace geoloom::engine
