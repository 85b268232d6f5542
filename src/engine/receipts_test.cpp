// SPDX-License-Identifier: Apache-2.0
#include "engine/receipts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "gdal/dataset.h"

namespace geoloom::engine {
namespace {

class Receipts : public ::testing::Test {
 protected:
  void SetUp() override {
    gdal::initialise();
    folder = ::testing::TempDir() + "receipts-" + std::to_string(std::random_device{}());
    store = store::open_store(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  Receipt receipt(const std::string& fingerprint, const std::string& sha = "aa") const {
    Receipt r;
    r.fingerprint = fingerprint;
    r.build = "b1";
    r.step = "composite";
    r.item = "0_0";
    Output output;
    output.layer = "l";
    output.name = "layers/l/0_0-" + fingerprint + ".tif";
    output.bytes = 3;
    output.sha256 = sha;
    output.pixel_hash = "p" + sha;
    raster::CubeSchema schema;
    schema.bands.push_back({.name = "red", .nodata = std::nan("")});
    schema.slices.push_back({{1, 2}, true, "2018-05"});
    output.schema = schema;
    output.bands.push_back({10, 20, 1, 5, 2.5, 0.5, 3, 0});
    r.outputs.push_back(output);
    r.dropped.push_back({"scene", "corrupt"});
    return r;
  }

  std::string folder;
  std::unique_ptr<store::Store> store;
};

TEST_F(Receipts, OfOtherProcessesAreReadWhenAsked) {
  ReceiptBook here(*store), there(*store);
  EXPECT_FALSE(here.refresh());
  store->put_bytes("tif", "layers/l/0_0-f1.tif");
  there.commit(receipt("f1"));
  EXPECT_EQ(here.find("f1"), nullptr);
  EXPECT_TRUE(here.refresh());
  EXPECT_NE(here.find("f1"), nullptr);
  EXPECT_FALSE(here.refresh());
  // A receipt whose file is not there is none.
  there.commit(receipt("f2"));
  EXPECT_TRUE(here.refresh());
  EXPECT_EQ(here.find("f2"), nullptr);
}

TEST_F(Receipts, SurviveTheProcess) {
  {
    ReceiptBook book(*store);
    store->put_bytes("tif", "layers/l/0_0-f1.tif");
    book.commit(receipt("f1"));
  }
  const ReceiptBook book(*store);
  const auto* found = book.find("f1");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->outputs[0].bands[0].clipped, 3U);
  EXPECT_EQ(found->outputs[0].schema->slices[0].label, "2018-05");
  EXPECT_TRUE(std::isnan(*found->outputs[0].schema->bands[0].nodata));
  EXPECT_EQ(found->dropped[0].scene, "scene");
  EXPECT_EQ(book.find("f2"), nullptr);
}

TEST_F(Receipts, AreAMissWhenTheFileIsGone) {
  {
    ReceiptBook book(*store);
    book.commit(receipt("f1"));
  }
  const ReceiptBook book(*store);
  EXPECT_EQ(book.find("f1"), nullptr);
  EXPECT_NE(book.find_any("f1"), nullptr);
}

TEST_F(Receipts, OfChunksAreAMissWhenOneOfThemIsGone) {
  const std::string at = "layers/l/0_0-f1";
  for (const std::string name : {"/red/0.0.0", "/red/1.0.0", "/chunks.json"})
    store->put_bytes("x", at + name);
  {
    ReceiptBook book(*store);
    auto made = receipt("f1");
    made.outputs[0].name = at + "/chunks.json";
    made.outputs[0].chunks = raster::ChunkLayout{.side = 256, .codec = raster::Codec::zstd};
    made.outputs[0].objects = 3;
    book.commit(made);
    EXPECT_NE(book.find("f1"), nullptr);
    book.flush();
  }
  {
    const ReceiptBook book(*store);
    const auto& output = book.find("f1")->outputs[0];
    EXPECT_EQ(output.chunks, (raster::ChunkLayout{.side = 256, .codec = raster::Codec::zstd}));
    EXPECT_EQ(output.objects, 3U);
    EXPECT_EQ(chunk_folder(output), at);
  }
  store->remove(at + "/red/1.0.0");
  EXPECT_EQ(ReceiptBook(*store).find("f1"), nullptr);
}

TEST_F(Receipts, ThatDisagreeAreALoudError) {
  for (const auto* sha : {"aa", "bb"}) {
    store::SegmentWriter writer(*store, "receipts");
    writer.append(to_json(receipt("f1", sha)).dump());
  }
  EXPECT_THROW(ReceiptBook{*store}, Error);
}

TEST_F(Receipts, AreFoundHoweverTheyAreLaidOut) {
  store->put_bytes("tif", "layers/l/0_0-f1.tif");
  const auto line =
      "{\"note\": {\"fingerprint\":\"f9\"}, " + to_json(receipt("f1")).dump().substr(1);
  {
    store::SegmentWriter writer(*store, "receipts");
    writer.append("{ \"geoloom_receipt\" : 1 }");
    writer.append(line);
    writer.append(to_json(receipt("f1")).dump());  // as one that was compacted and not yet removed
    auto other = to_json(receipt("f2"));
    other["geoloom_receipt"] = 10 * kReceiptVersion;
    writer.append(other.dump());
  }
  const ReceiptBook book(*store);
  EXPECT_EQ(book.damaged_records(), 2U);
  ASSERT_NE(book.find("f1"), nullptr);
  EXPECT_EQ(book.find("f1"), book.find_any("f1"));
  EXPECT_EQ(book.find("f1")->item, "0_0");
  EXPECT_EQ(book.find_any("f2"), nullptr);
  EXPECT_EQ(book.find_any("f9"), nullptr);
}

TEST_F(Receipts, OfAnotherFormatAreAMiss) {
  auto json = to_json(receipt("f1"));
  json["geoloom_receipt"] = kReceiptVersion + 1;
  EXPECT_FALSE(receipt_from_text(json.dump()));
  json.erase("geoloom_receipt");
  EXPECT_FALSE(receipt_from_text(json.dump()));
}

}  // namespace
}  // namespace geoloom::engine
