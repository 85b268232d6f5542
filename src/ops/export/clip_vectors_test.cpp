// SPDX-License-Identifier: Apache-2.0
#include "ops/op_test.h"
#include "workflow/item_task.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_clip_vectors();

namespace {

using testing::HasSubstr;

// Shapes and files are compared with OGR's in tests/properties/clip_vectors_test.py.

std::unique_ptr<workflow::ItemTaskOp> clip_vectors(const std::string& yaml) {
  return bound<workflow::ItemTaskOp>(make_clip_vectors(), yaml);
}

std::vector<workflow::Zone> zone_at(double left, double top) {
  workflow::Zone zone;
  zone.grid = {.crs = geo::Crs::parse("EPSG:32631"),
               .origin_x = left,
               .origin_y = top,
               .pixel_width = 10,
               .pixel_height = 10,
               .width = 100,
               .height = 100};
  return {zone};
}

class ClipVectorsTest : public testing::Test {
 protected:
  ClipVectorsTest() { write(1); }
  void write(int code) const {
    std::ofstream(folder_ / "points.csv")
        << "code,wkt\n"
        << code << ",\"POINT (500105 4999995)\"\n2,\"POINT (500895 4999995)\"\n";
  }
  std::string call() const {
    return "{file: " + std::string(folder_ / "points.csv") + ", crs: 'EPSG:32631'}";
  }
  workflow::Item left_half() const {
    workflow::Item item;
    item.window = {0, 0, 50, 100};
    item.grid = zones_.front().grid.sub(item.window);
    return item;
  }
  std::optional<std::string> identity() const {
    const auto op = clip_vectors(call());
    workflow::FreezeReport report;
    return op->open(op->freeze(zones_, report), zones_)->identity(left_half());
  }

  const TestFolder folder_;
  const std::vector<workflow::Zone> zones_ = zone_at(500000, 5000000);
};

TEST_F(ClipVectorsTest, AnItemIsWhatItsFeaturesAre) {
  const auto before = identity();
  ASSERT_TRUE(before);
  EXPECT_EQ(identity(), before);
  write(7);
  EXPECT_NE(identity(), before);
}

TEST_F(ClipVectorsTest, ReportsWhatItFound) {
  workflow::FreezeReport report;
  (void)clip_vectors(call())->freeze(zones_, report);
  const std::vector<std::pair<std::string, size_t>> wanted{{"features found", 2},
                                                           {"near the area", 2}};
  EXPECT_EQ(report.after_filter, wanted);
  EXPECT_THAT(error_of([&] { (void)clip_vectors(call())->freeze(zone_at(900000, 0), report); },
                       ErrorCode::empty),
              HasSubstr("near the area"));
}

TEST_F(ClipVectorsTest, AFileThatChangesUnderARunIsNoticed) {
  const auto op = clip_vectors(call());
  workflow::FreezeReport report;
  const auto work = op->open(op->freeze(zones_, report), zones_);
  write(7);
  EXPECT_THAT(error_of([&] { (void)work->identity(left_half()); }), HasSubstr("changed"));
}

TEST_F(ClipVectorsTest, TheLayerIsNamedLikeTheFile) {
  EXPECT_EQ(clip_vectors("{file: a/parcels-2020.gpkg, format: geojson}")->layer_made(),
            "parcels-2020");
  EXPECT_TRUE(clip_vectors("a/parcels.gpkg")->layers_read().empty());
  EXPECT_THAT(error_of([] { clip_vectors("'a/my parcels.gpkg'"); }), HasSubstr("my parcels"));
}

}  // namespace
}  // namespace geoloom::ops
