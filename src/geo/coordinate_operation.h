// SPDX-License-Identifier: Apache-2.0
// One way from a coordinate reference system to another, written down as a text. Several ways may
// exist between two systems, and which one a library prefers may change with its version, the grids
// that are installed and the place: a run chooses once, keeps the text in its record, and every
// worker takes that.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "geo/crs.h"

namespace geoloom::geo {

// A range of longitude and latitude in degrees; west > east reaches over the antimeridian.
struct LonLatRange {
  double west, south, east, north;
};

// An immutable value; thread-safe.
class CoordinateOperation {
 public:
  // Equal systems on both sides: points stay where they are.
  CoordinateOperation() = default;

  // PROJ's first choice among those whose grids are installed; `near` prefers what is meant for
  // that part of the world. Coordinates are x, y in GIS order (east, north; longitude, latitude in
  // degrees) on both sides. Throws Error(invalid) when there is no way, or a CRS is unknown.
  static CoordinateOperation between(const Crs& from, const Crs& to,
                                     const std::optional<LonLatRange>& near = std::nullopt);
  // The text of another operation. Throws Error(invalid) for anything else.
  static CoordinateOperation parse(std::string_view text);

  // A PROJ pipeline; "identity".
  const std::string& text() const { return text_; }
  bool identity() const { return text_ == kIdentity; }

  // In place. Points that cannot be transformed become NaN, both coordinates. Every point is
  // transformed by itself: neighbours do not matter.
  void forward(std::span<double> x, std::span<double> y) const { transform(true, x, y); }
  void inverse(std::span<double> x, std::span<double> y) const { transform(false, x, y); }

  friend bool operator==(const CoordinateOperation&, const CoordinateOperation&) = default;

 private:
  static constexpr std::string_view kIdentity = "identity";
  void transform(bool forward, std::span<double> x, std::span<double> y) const;
  std::string text_{kIdentity};
};

}  // namespace geoloom::geo
