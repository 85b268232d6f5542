// SPDX-License-Identifier: Apache-2.0
// Time series as a picture: lines over time with axes and names, as SVG or as pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/contact_sheet.h"
#include "geo/time.h"

namespace geoloom::cli {

struct ChartPoint {
  geo::TimeMs time = 0;
  double value = 0;   // finite
  double spread = 0;  // drawn above and below it; 0: not at all
};

struct ChartLine {
  std::string name;
  std::vector<ChartPoint> points;  // by time; may be empty
};

struct LineChart {
  std::string title;
  std::vector<ChartLine> lines;
  int64_t width = 800, height = 400;  // in pixels
};

// A text of its own, with nothing to be loaded.
std::string svg_of(const LineChart& chart);
Picture picture_of(const LineChart& chart);

// Round numbers that divide a range into about `count` steps: the first at or below `low`, the last
// at or above `high`.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace geoloom::cli
