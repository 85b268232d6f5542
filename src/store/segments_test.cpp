// SPDX-License-Identifier: Apache-2.0
#include "store/segments.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "store/test_store.h"

namespace geoloom::store {
namespace {

TEST(Records, DamageCostsOneRecordOnly) {
  auto segment = encode_record("one") + encode_record("two") + encode_record("three");
  segment[segment.find("two")] = 'T';
  const auto decoded = decode_records(segment);
  EXPECT_EQ(decoded.payloads, (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(decoded.damaged, 1U);
}

TEST(Records, EveryTornTailIsIgnored) {
  const auto first = encode_record("one"), second = encode_record("{\"two\": 2}");
  for (size_t cut = 0; cut < second.size(); ++cut) {
    const auto decoded = decode_records(first + second.substr(0, cut));
    EXPECT_EQ(decoded.payloads, std::vector<std::string>{"one"}) << cut;
    EXPECT_EQ(decoded.damaged, cut == 0 ? 0U : 1U) << cut;
  }
}

class Segments : public StoreTest {};

TEST_P(Segments, WritersOfOneFolderAreReadTogether) {
  {
    SegmentWriter a(*store, "receipts"), b(*store, "receipts");
    a.append("1");
    b.append("2");
    a.append("3");
  }
  auto payloads = read_segments(*store, "receipts").payloads;
  std::sort(payloads.begin(), payloads.end());
  EXPECT_EQ(payloads, (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_TRUE(read_segments(*store, "other").payloads.empty());
}

TEST_P(Segments, AReaderGetsEachRecordOnce) {
  SegmentReader reader(*store, "receipts");
  EXPECT_TRUE(reader.read_new().payloads.empty());
  SegmentWriter a(*store, "receipts");
  a.append("1");
  a.flush();
  EXPECT_EQ(reader.read_new().payloads, std::vector<std::string>{"1"});
  EXPECT_TRUE(reader.read_new().payloads.empty());
  SegmentWriter b(*store, "receipts");
  b.append("2");
  b.flush();
  a.append("3");
  a.flush();
  auto payloads = reader.read_new().payloads;
  std::sort(payloads.begin(), payloads.end());
  EXPECT_EQ(payloads, (std::vector<std::string>{"2", "3"}));
}

TEST(SegmentsOfAFolder, ARecordUnderWayIsReadWhenItIsWhole) {
  gdal::initialise();
  const auto folder = ::testing::TempDir() + "segments-" + std::to_string(std::random_device{}());
  const auto store = open_store(folder);
  const auto first = encode_record("one"), second = encode_record("two");
  store->append_record(first + second.substr(0, 9), "receipts/a.seg");
  SegmentReader reader(*store, "receipts");
  const auto early = reader.read_new();
  EXPECT_EQ(early.payloads, std::vector<std::string>{"one"});
  EXPECT_EQ(early.damaged, 1U);
  EXPECT_EQ(reader.read_new().damaged, 0U);  // told once
  store->append_record(second.substr(9), "receipts/a.seg");
  EXPECT_EQ(reader.read_new().payloads, std::vector<std::string>{"two"});
  std::filesystem::remove_all(folder);
}

TEST_P(Segments, CompactingKeepsWhatIsWanted) {
  for (const auto* payload : {"keep a", "drop b", "keep c"}) {
    SegmentWriter writer(*store, "receipts");
    writer.append(payload);
  }
  compact_segments(*store, "receipts",
                   [](std::string_view payload) { return payload.starts_with("keep"); });
  EXPECT_EQ(store->list("receipts/").size(), 1U);
  EXPECT_EQ(read_segments(*store, "receipts").payloads.size(), 2U);
}

TEST_P(Segments, CompactingASingleSegmentDropsToo) {
  {
    SegmentWriter writer(*store, "one");
    writer.append("keep");
    writer.append("drop");
  }
  compact_segments(*store, "one", [](std::string_view payload) { return payload == "keep"; });
  EXPECT_EQ(read_segments(*store, "one").payloads, std::vector<std::string>{"keep"});
}

TEST_P(Segments, ReadersLoseNothingWhileOthersCompact) {
  for (int i = 0; i < 5; ++i) {
    SegmentWriter writer(*store, "busy");
    writer.append("record " + std::to_string(i));
  }
  std::atomic<bool> done{false};
  std::thread compactor([&] {
    for (int i = 0; i < 20; ++i) {
      { SegmentWriter(*store, "busy").append("noise"); }
      compact_segments(*store, "busy", [](std::string_view payload) { return payload != "noise"; });
    }
    done = true;
  });
  while (!done) {
    const auto payloads = read_segments(*store, "busy").payloads;
    std::set<std::string> distinct(payloads.begin(), payloads.end());
    distinct.erase("noise");
    EXPECT_EQ(distinct.size(), 5U);
  }
  compactor.join();
}

INSTANTIATE_TEST_SUITE_P(Stores, Segments, ::testing::ValuesIn(store_kinds()));

}  // namespace
}  // namespace geoloom::store
