// SPDX-License-Identifier: Apache-2.0
#include "geo/pixel_mapping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace geoloom::geo {
namespace {

constexpr int64_t kCell = 64;     // pixels of a side
constexpr size_t kNodes = 5;      // of a side
constexpr int64_t kSpacing = 16;  // pixels from node to node
constexpr double kCheckedError = 1.0 / (1 << 22);

// Lagrange's polynomials for the nodes 0, 16, 32, 48, 64 at the whole pixels 0 .. 63.
struct LagrangeTable {
  std::array<std::array<double, kCell>, kNodes> at{};  // by node and pixel
  LagrangeTable() {
    for (size_t node = 0; node < kNodes; ++node) {
      for (size_t pixel = 0; pixel < static_cast<size_t>(kCell); ++pixel) {
        double weight = 1;
        for (size_t other = 0; other < kNodes; ++other) {
          if (other == node) continue;
          const double here = static_cast<double>(pixel) / kSpacing;
          weight *= (here - static_cast<double>(other)) /
                    (static_cast<double>(node) - static_cast<double>(other));
        }
        at[node][pixel] = weight;
      }
    }
  }
};

const LagrangeTable& lagrange() {
  static const LagrangeTable table;
  return table;
}

// One coordinate at the nodes of a cell, row by row.
class CellPolynomial {
 public:
  explicit CellPolynomial(const double* nodes) : nodes_(nodes) {}

  // What the polynomial in x has as its node values in one row of pixels.
  std::array<double, kNodes> row(size_t pixel) const {
    std::array<double, kNodes> values{};
    const auto& table = lagrange().at;
    for (size_t column = 0; column < kNodes; ++column) {
      double sum = 0;
      for (size_t node = 0; node < kNodes; ++node)
        sum += table[node][pixel] * nodes_[node * kNodes + column];
      values[column] = sum;
    }
    return values;
  }

  static double at(const std::array<double, kNodes>& row, size_t pixel) {
    const auto& table = lagrange().at;
    return table[0][pixel] * row[0] + table[1][pixel] * row[1] + table[2][pixel] * row[2] +
           table[3][pixel] * row[3] + table[4][pixel] * row[4];
  }

 private:
  const double* nodes_;
};

// The longitude that a source counts as its own, where it lies beyond the source's edge.
void count_as(const Box& box, std::vector<double>& longitudes) {
  for (double& x : longitudes) {
    if (x < box.min_x && x + 360 <= box.max_x)
      x += 360;
    else if (x > box.max_x && x - 360 >= box.min_x)
      x -= 360;
  }
}

int64_t floor_to(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

double in_1024ths(double scale) {
  return std::max(1.0, std::round(scale * 1024)) / 1024;
}

}  // namespace

PixelMapping::PixelMapping(const Grid& target, const Grid& source, CoordinateOperation operation)
    : target_(target), source_(source), operation_(std::move(operation)) {}

// From coordinates in the target's CRS to positions in the source.
void PixelMapping::to_positions(PixelPositions& points) const {
  operation_.forward(points.columns, points.rows);
  if (source_.crs.geographic()) count_as(source_.box(), points.columns);
  for (size_t i = 0; i < points.columns.size(); ++i) {
    const auto position = source_.position(points.columns[i], points.rows[i]);
    points.columns[i] = position.column;
    points.rows[i] = position.row;
  }
}

// Of points of the target grid given in its own pixels: each row with each column.
PixelPositions PixelMapping::positions_at(const std::vector<double>& columns,
                                          const std::vector<double>& rows) const {
  PixelPositions points;
  points.columns.reserve(columns.size() * rows.size());
  points.rows.reserve(columns.size() * rows.size());
  for (const double row : rows) {
    for (const double column : columns) {
      points.columns.push_back(target_.origin_x + column * target_.pixel_width);
      points.rows.push_back(target_.origin_y - row * target_.pixel_height);
    }
  }
  to_positions(points);
  return points;
}

PixelPositions PixelMapping::exact_positions(const Window& window) const {
  std::vector<double> columns, rows;
  for (int64_t x = window.x; x < window.right(); ++x)
    columns.push_back(static_cast<double>(x) + 0.5);
  for (int64_t y = window.y; y < window.bottom(); ++y) rows.push_back(static_cast<double>(y) + 0.5);
  return positions_at(columns, rows);
}

// Fills the part of a cell that lies in the window. False when the polynomial is not good enough.
bool PixelMapping::interpolate_cell(const Window& cell, const Window& part, const Window& window,
                                    PixelPositions& out) const {
  const auto along = [](int64_t start, size_t count, double first) {
    std::vector<double> places;
    for (size_t i = 0; i < count; ++i)
      places.push_back(static_cast<double>(start) + 0.5 + first +
                       static_cast<double>(i) * kSpacing);
    return places;
  };
  const auto nodes = positions_at(along(cell.x, kNodes, 0), along(cell.y, kNodes, 0));
  constexpr size_t kChecks = kNodes - 1;
  const auto checks =
      positions_at(along(cell.x, kChecks, kSpacing / 2.0), along(cell.y, kChecks, kSpacing / 2.0));
  const CellPolynomial columns(nodes.columns.data()), rows(nodes.rows.data());
  for (size_t j = 0; j < kChecks; ++j) {
    const size_t y = j * kSpacing + kSpacing / 2;
    const auto column_row = columns.row(y), row_row = rows.row(y);
    for (size_t i = 0; i < kChecks; ++i) {
      const size_t x = i * kSpacing + kSpacing / 2;
      const double error =
          std::max(std::abs(CellPolynomial::at(column_row, x) - checks.columns[j * kChecks + i]),
                   std::abs(CellPolynomial::at(row_row, x) - checks.rows[j * kChecks + i]));
      if (!(error <= kCheckedError)) return false;  // NaN too
    }
  }
  for (int64_t y = part.y; y < part.bottom(); ++y) {
    const auto column_row = columns.row(static_cast<size_t>(y - cell.y));
    const auto row_row = rows.row(static_cast<size_t>(y - cell.y));
    const size_t start = static_cast<size_t>((y - window.y) * window.width + part.x - window.x);
    const size_t first = static_cast<size_t>(part.x - cell.x);
    for (size_t i = 0; i < static_cast<size_t>(part.width); ++i) {
      out.columns[start + i] = CellPolynomial::at(column_row, first + i);
      out.rows[start + i] = CellPolynomial::at(row_row, first + i);
    }
  }
  return true;
}

PixelPositions PixelMapping::positions(const Window& window) const {
  if (operation_.identity() || window.empty()) return exact_positions(window);
  PixelPositions out;
  out.columns.resize(static_cast<size_t>(window.pixels()));
  out.rows.resize(static_cast<size_t>(window.pixels()));
  for (int64_t y = floor_to(window.y, kCell); y < window.bottom(); y += kCell) {
    for (int64_t x = floor_to(window.x, kCell); x < window.right(); x += kCell) {
      const Window cell{x, y, kCell, kCell};
      const Window part = cell.intersect(window);
      if (interpolate_cell(cell, part, window, out)) continue;
      const auto exact = exact_positions(part);
      for (int64_t row = 0; row < part.height; ++row) {
        const auto from = row * part.width;
        const auto to = (part.y + row - window.y) * window.width + part.x - window.x;
        std::copy_n(exact.columns.begin() + from, part.width, out.columns.begin() + to);
        std::copy_n(exact.rows.begin() + from, part.width, out.rows.begin() + to);
      }
    }
  }
  return out;
}

Window PixelMapping::rough_source_window(const Window& window) const {
  if (window.empty()) return {};
  constexpr int kSteps = 16;
  const auto spread = [](int64_t start, int64_t length) {
    std::vector<double> places;
    for (int i = 0; i <= kSteps; ++i)
      places.push_back(static_cast<double>(start) + static_cast<double>(length) * i / kSteps);
    return places;
  };
  const auto sampled =
      positions_at(spread(window.x, window.width), spread(window.y, window.height));
  const auto range = [](const std::vector<double>& values) {
    double lowest = HUGE_VAL, highest = -HUGE_VAL;
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
    }
    const double margin = 2 + 0.02 * (highest - lowest);
    // Whatever lies further away is in no image.
    static constexpr double kFar = 1e12;
    const auto limited = [](double value) {
      return static_cast<int64_t>(std::clamp(value, -kFar, kFar));
    };
    if (!(lowest <= highest)) return std::pair<int64_t, int64_t>(0, 0);
    return std::pair(limited(std::floor(lowest - margin)), limited(std::ceil(highest + margin)));
  };
  const auto [left, right] = range(sampled.columns);
  const auto [top, bottom] = range(sampled.rows);
  return {left, top, right - left, bottom - top};
}

PixelScale PixelMapping::scale() const {
  const Box box = source_.box();
  std::vector<double> x{(box.min_x + box.max_x) / 2}, y{(box.min_y + box.max_y) / 2};
  operation_.inverse(x, y);
  auto middle = target_.position(x[0], y[0]);
  const bool on_target = middle.column >= 0 && middle.row >= 0 &&
                         middle.column <= static_cast<double>(target_.width) &&
                         middle.row <= static_cast<double>(target_.height);
  if (!on_target)  // nor when it is NaN
    middle = {static_cast<double>(target_.width) / 2, static_cast<double>(target_.height) / 2};
  const auto around = positions_at({middle.column - 0.5, middle.column, middle.column + 0.5},
                                   {middle.row - 0.5, middle.row, middle.row + 0.5});
  // Differences across a whole pixel: 3 and 5 left and right of the middle, 1 and 7 above and
  // below.
  const auto along = [](const std::vector<double>& values) {
    return std::hypot(values[5] - values[3], values[7] - values[1]);
  };
  const double columns = along(around.columns), rows = along(around.rows);
  if (!std::isfinite(columns) || !std::isfinite(rows)) return {};
  return {in_1024ths(columns), in_1024ths(rows)};
}

}  // namespace geoloom::geo
