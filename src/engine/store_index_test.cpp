// SPDX-License-Identifier: Apache-2.0
#include "engine/store_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "learn/model_package.h"
#include "store/segments.h"

namespace geoloom::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreIndexTest : public testing::Test {
 protected:
  StoreIndexTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("index-" + std::to_string(std::random_device{}()))),
        store_(store::open_store((folder_ / "store").string())) {}
  ~StoreIndexTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  StoreIndexTest(const StoreIndexTest&) = delete;
  StoreIndexTest& operator=(const StoreIndexTest&) = delete;

  static Receipt receipt(const std::string& run, int number, std::vector<std::string> scenes) {
    Receipt made;
    made.fingerprint = std::string(63, 'a') + std::to_string(number);
    made.fingerprint = std::to_string(number) + made.fingerprint.substr(1);
    made.run = run;
    made.step = "step";
    made.item = "item" + std::to_string(number);
    made.started = "2026-01-01T00:00:0" + std::to_string(number) + "Z";
    made.finished = "2026-01-01T00:01:0" + std::to_string(number) + "Z";
    made.scenes = std::move(scenes);
    return made;
  }
  void commit(const Receipt& receipt) { writer_->append(to_json(receipt).dump()); }
  std::string cache() const { return (folder_ / "cache").string(); }
  std::filesystem::path database() const {
    for (const auto& entry : std::filesystem::directory_iterator(cache()))
      if (entry.path().extension() == ".sqlite") return entry.path();
    return {};
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::SegmentWriter> writer_ =
      std::make_unique<store::SegmentWriter>(*store_, "receipts");
};

TEST_F(StoreIndexTest, AnEmptyStoreHasNothing) {
  StoreIndex index(*store_, cache());
  EXPECT_EQ(index.totals("run").made, 0U);
  EXPECT_THAT(index.uses_of_scene("scene"), IsEmpty());
}

TEST_F(StoreIndexTest, OnlyWhatIsNewIsRead) {
  commit(receipt("first", 1, {"a", "b"}));
  commit(receipt("first", 2, {"b"}));
  {
    StoreIndex index(*store_, cache());
    EXPECT_EQ(index.records_read(), 2U);
    EXPECT_EQ(index.totals("first").made, 2U);
    EXPECT_EQ(index.totals("first").started, "2026-01-01T00:00:01Z");
    EXPECT_EQ(index.totals("first").finished, "2026-01-01T00:01:02Z");
  }
  commit(receipt("second", 3, {"b"}));
  StoreIndex index(*store_, cache());
  EXPECT_EQ(index.records_read(), 1U);
  EXPECT_EQ(index.totals("first").made, 2U);
  EXPECT_EQ(index.totals("second").made, 1U);
  std::vector<std::string> items;
  for (const auto& use : index.uses_of_scene("b")) items.push_back(use.run + "/" + use.item);
  EXPECT_THAT(items, ElementsAre("first/item1", "first/item2", "second/item3"));
  EXPECT_EQ(index.uses_of_scene("a").size(), 1U);
  EXPECT_EQ(StoreIndex(*store_, cache()).records_read(), 0U);
}

TEST_F(StoreIndexTest, TheSameReceiptTwiceCountsOnce) {
  commit(receipt("first", 1, {}));
  commit(receipt("first", 1, {}));
  StoreIndex index(*store_, cache());
  EXPECT_EQ(index.totals("first").made, 1U);
}

TEST_F(StoreIndexTest, ADamagedFileIsThrownAway) {
  commit(receipt("first", 1, {"a"}));
  { StoreIndex index(*store_, cache()); }
  std::filesystem::remove(database().string() + "-wal");
  std::ofstream(database(), std::ios::binary | std::ios::trunc) << "this is no database";
  StoreIndex index(*store_, cache());
  EXPECT_EQ(index.records_read(), 1U);
  EXPECT_EQ(index.uses_of_scene("a").size(), 1U);
}

TEST_F(StoreIndexTest, PagesOverwrittenAreThrownAway) {
  for (int number = 1; number < 9; ++number) commit(receipt("first", number, {"a"}));
  { StoreIndex index(*store_, cache()); }
  const auto size = std::filesystem::file_size(database());
  std::fstream file(database(), std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(1024);
  for (uintmax_t at = 1024; at < size; ++at) file.put('x');
  file.close();
  StoreIndex index(*store_, cache());
  EXPECT_EQ(index.totals("first").made, 8U);
}

TEST_F(StoreIndexTest, SegmentsThatWereCleanedAreForgotten) {
  commit(receipt("first", 1, {"a"}));
  { StoreIndex index(*store_, cache()); }
  writer_.reset();
  for (const auto& name : store_->list("receipts/")) store_->remove(name);
  EXPECT_EQ(StoreIndex(*store_, cache()).totals("first").made, 0U);
}

TEST_F(StoreIndexTest, ATornRecordIsReadWhenItIsWhole) {
  commit(receipt("first", 1, {"a"}));
  const auto name = store_->list("receipts/").front();
  const auto line = store::encode_record(to_json(receipt("first", 2, {"a"})).dump());
  store_->append_record(line.substr(0, 40), name);
  EXPECT_EQ(StoreIndex(*store_, cache()).totals("first").made, 1U);
  store_->append_record(line.substr(40), name);
  EXPECT_EQ(StoreIndex(*store_, cache()).totals("first").made, 2U);
}

TEST_F(StoreIndexTest, WithoutAPlaceForItThereIsOneInMemory) {
  commit(receipt("first", 1, {"a"}));
  std::ofstream(folder_ / "file") << "in the way";
  StoreIndex index(*store_, (folder_ / "file" / "cache").string());
  EXPECT_EQ(index.totals("first").made, 1U);
}

TEST_F(StoreIndexTest, RecordsAreReadOnce) {
  workflow::RunRecord record;
  record.id = "20260101T000000Z-00000000";
  record.created = "2026-01-01T00:00:00Z";
  record.document_file = "map.yaml";
  record.options.selection.sample = 1;
  const auto name = "runs/" + record.id + "/run.json";
  store_->put_bytes(workflow::to_json(record).dump(), name);
  for (int time = 0; time < 2; ++time) {
    const auto header = StoreIndex(*store_, cache()).header(record.id);
    EXPECT_EQ(header.created, record.created);
    EXPECT_EQ(header.document_file, "map.yaml");
    EXPECT_TRUE(header.trial);
    store_->put_bytes("no record any more", name);
  }
  EXPECT_THROW((void)StoreIndex(*store_, cache()).header("20260101T000000Z-11111111"), Error);
}

TEST_F(StoreIndexTest, StoresDoNotShareOne) {
  commit(receipt("first", 1, {"a"}));
  { StoreIndex index(*store_, cache()); }
  const auto other = store::open_store((folder_ / "other").string());
  EXPECT_EQ(StoreIndex(*other, cache()).totals("first").made, 0U);
}

TEST_F(StoreIndexTest, ModelsAndWhatWasMadeWithThem) {
  const auto trained = [](int number, const std::string& sha256) {
    auto made = receipt("first", number, {});
    Output output;
    output.layer = "crops";
    output.name = "layers/crops/all.zip";
    output.media_type = learn::kModelMediaType;
    output.bytes = 5;
    output.sha256 = sha256;
    made.outputs = {output};
    return made;
  };
  commit(trained(1, "aa"));
  commit(trained(2, "bb"));
  auto map = receipt("second", 3, {"scene"});
  Output classes;
  classes.layer = "classes";
  classes.media_type = "image/tiff";
  map.outputs = {classes};
  map.given = {{"crops", "", "bb"}, {"", "rules.csv", "cc"}};
  commit(map);
  for (int item : {4, 5}) {  // further tiles of the same step
    map.fingerprint[0] = static_cast<char>('0' + item);
    commit(map);
  }
  StoreIndex index(*store_, cache());
  const auto models = index.models();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].layer, "crops");
  EXPECT_EQ(models[0].run, "first");
  EXPECT_EQ(models[0].bytes, 5);
  EXPECT_THAT(models[0].uses, IsEmpty());
  ASSERT_EQ(models[1].uses.size(), 1U);
  EXPECT_EQ(models[1].uses[0].run, "second");
  EXPECT_EQ(models[1].uses[0].layer, "classes");
}

}  // namespace
}  // namespace geoloom::engine
