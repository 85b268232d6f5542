// SPDX-License-Identifier: Apache-2.0
// Vector files: features with a shape and columns, in layers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gdal/geometry.h"

namespace geoloom::gdal {

// Formats that shapes are read from. Everything else is refused: connection strings, VRT and
// databases could name any file or server.
const std::vector<std::string>& allowed_vector_drivers();

struct VectorQuery {
  std::string layer;                 // empty: all layers
  std::string where;                 // a condition on columns, as in SQL's WHERE; empty: all
  std::vector<std::string> columns;  // to be read as texts
};

struct VectorFeature {
  int64_t id = 0;
  Geometry geometry;                // flat; never empty
  std::vector<std::string> values;  // of the query's columns, in that order; "" for null
};

struct VectorLayer {
  std::string name;
  geo::Crs crs;  // unknown when the file does not tell
  std::vector<VectorFeature> features;
};

// Throws Error: missing, denied, invalid (no allowed driver takes it, no such layer or column, a
// condition that is none), corrupt.
std::vector<VectorLayer> read_vectors(const std::string& path, const VectorQuery& query);

// The CRS that a layer tells, else the one that the user did ("" for none). Throws Error(invalid)
// where neither does; `file` is for the message, `example` shows where to say it.
geo::Crs crs_of(const VectorLayer& layer, const std::string& given, const std::string& file,
                const std::string& example);

// What a layer of a vector file is, without its features.
struct VectorLayerInfo {
  struct Column {
    std::string name, type;  // "Integer64", "String", "Date" ...
  };
  std::string name;
  geo::Crs crs;          // unknown when the file does not tell
  std::string geometry;  // "Polygon", "Point", "Unknown (any)", "None" ...
  int64_t features = 0;
  std::optional<geo::Box> bounds;  // in the layer's CRS; nullopt without shapes
  std::vector<Column> columns;
};
// Errors as of read_vectors().
std::vector<VectorLayerInfo> describe_vectors(const std::string& path);
// Whether a name ends as vector files do: .gpkg, .geojson, .shp, .fgb, .kml, .csv ...
bool named_like_vectors(const std::string& path);

// Writes features layer by layer. The file shows up under its name when close() returns: GeoPackage
// by the ending .gpkg, GeoJSON (one layer, WGS84) by .geojson or .json, FlatGeobuf (one layer, with
// an index) by .fgb. Local files only. The same
// features give the same bytes. On one thread.
class VectorWriter {
 public:
  struct Column {
    std::string name;
    bool integer = false;
    bool real = false;
  };
  // Throws Error(invalid) for another ending.
  explicit VectorWriter(const std::string& path);
  VectorWriter(const VectorWriter&) = delete;
  VectorWriter& operator=(const VectorWriter&) = delete;
  ~VectorWriter();

  bool geojson() const;
  void begin_layer(const std::string& name, const geo::Crs& crs,
                   const std::vector<Column>& columns);
  // To the layer begun last; one text per column.
  void add(const Geometry& geometry, const std::vector<std::string>& values);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::gdal
