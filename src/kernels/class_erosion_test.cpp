// SPDX-License-Identifier: Apache-2.0
#include "kernels/class_erosion.h"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

TEST(ClassErosion, EllipsesAreOpenCVs) {
  EXPECT_EQ(ellipse_element(1), (Element{{0, 0, 0}}));
  EXPECT_EQ(ellipse_element(2), (Element{{-1, 0, 0}, {0, -1, 0}}));
  EXPECT_EQ(ellipse_element(3), (Element{{-1, 0, 0}, {0, -1, 1}, {1, 0, 0}}));
  EXPECT_EQ(ellipse_element(4), (Element{{-2, 0, 0}, {-1, -2, 1}, {0, -2, 1}, {1, -2, 1}}));
  EXPECT_EQ(ellipse_element(5),
            (Element{{-2, 0, 0}, {-1, -2, 2}, {0, -2, 2}, {1, -2, 2}, {2, 0, 0}}));
  EXPECT_THROW(ellipse_element(0), std::invalid_argument);
}

TEST(ClassErosion, DisksAreRound) {
  EXPECT_EQ(disk_element(0), (Element{{0, 0, 0}}));
  EXPECT_EQ(disk_element(1.5), (Element{{-1, -1, 1}, {0, -1, 1}, {1, -1, 1}}));
  EXPECT_EQ(disk_element(2), (Element{{-2, 0, 0}, {-1, -1, 1}, {0, -2, 2}, {1, -1, 1}, {2, 0, 0}}));
  EXPECT_EQ(reach(disk_element(2.9)), 2);
  EXPECT_EQ(reach(ellipse_element(4)), 2);
  EXPECT_THROW(disk_element(-1), std::invalid_argument);
}

TEST(ClassErosion, TakesBordersOffAllClasses) {
  const std::vector<int32_t> classes{1, 1, 1, 2, 2,  //
                                     1, 1, 1, 2, 2,  //
                                     1, 1, 1, 2, 2};
  std::vector<uint8_t> valid(15, 1), keep(15);
  keep_inner_pixels(classes, valid, 5, 3, disk_element(1), keep);
  EXPECT_EQ(keep, (std::vector<uint8_t>{1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1}));
  valid[5] = 0;
  keep_inner_pixels(classes, valid, 5, 3, disk_element(1), keep);
  EXPECT_EQ(keep, (std::vector<uint8_t>{0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1}));
}

TEST(ClassErosion, AgreesWithTheReference) {
  std::mt19937 random(1);
  for (const size_t width : {1, 7, 40})
    for (const size_t height : {1, 5, 30})
      for (const auto& element : {disk_element(0), disk_element(1), disk_element(3.2),
                                  ellipse_element(2), ellipse_element(4), ellipse_element(9)}) {
        std::vector<int32_t> classes(width * height);
        std::vector<uint8_t> valid(width * height), keep(width * height), expected(width * height);
        for (size_t i = 0; i < classes.size(); ++i) {
          classes[i] = i % 3 != 0 && i > 0 ? classes[i - 1] : static_cast<int32_t>(random() % 2);
          valid[i] = random() % 40 != 0;
        }
        keep_inner_pixels(classes, valid, width, height, element, keep);
        reference::keep_inner_pixels(classes, valid, width, height, element, expected);
        ASSERT_EQ(keep, expected) << width << " x " << height;
      }
}

}  // namespace
}  // namespace geoloom::kernels
