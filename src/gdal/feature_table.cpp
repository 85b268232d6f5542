// SPDX-License-Identifier: Apache-2.0
#include "gdal/feature_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ogr_geometry.h>
#include <ogrsf_frmts.h>

#include <algorithm>

#include "gdal/vector_dataset.h"

namespace geoloom::gdal {
namespace {

constexpr size_t kMostFeatures = 20'000'000;

bool is_list(OGRFieldType type) {
  return type == OFTIntegerList || type == OFTInteger64List || type == OFTRealList ||
         type == OFTStringList;
}

OGRLayer& chosen_layer(GDALDataset& dataset, const std::string& wanted, const std::string& path) {
  std::vector<std::string> names;
  for (auto* layer : dataset.GetLayers()) {
    if (wanted == layer->GetName()) return *layer;
    names.emplace_back(layer->GetName());
  }
  if (wanted.empty() && names.size() == 1) return *dataset.GetLayer(0);
  throw Error(ErrorCode::invalid, wanted.empty()
                                      ? fmt::format("the file has {} layers", names.size())
                                      : fmt::format("there is no layer '{}'", wanted))
      .at({.file = path})
      .hint(fmt::format("say which one: layer: {}", fmt::join(names, " or ")));
}

// A column as both formats can hold it.
std::unique_ptr<OGRFieldDefn> writable(const OGRFieldDefn& from) {
  const bool text = is_list(from.GetType()) || from.GetType() == OFTTime;
  auto column =
      std::make_unique<OGRFieldDefn>(from.GetNameRef(), text ? OFTString : from.GetType());
  if (text) return column;
  column->SetSubType(from.GetSubType());
  column->SetWidth(from.GetWidth());
  column->SetPrecision(from.GetPrecision());
  return column;
}

// As exact as the value.
std::string value_text(const OGRFeature& feature, int column) {
  const auto type = feature.GetFieldDefnRef(column)->GetType();
  if (type == OFTReal) return fmt::format("{}", feature.GetFieldAsDouble(column));
  if (!is_list(type)) return feature.GetFieldAsString(column);
  const std::unique_ptr<char, void (*)(void*)> json(feature.GetFieldAsSerializedJSon(column),
                                                    &VSIFree);
  return json ? json.get() : "";
}

// The kind of all shapes of a layer of one kind; else any.
OGRwkbGeometryType written_type(OGRwkbGeometryType type) {
  const auto flat = wkbFlatten(OGR_GT_GetLinear(type));
  if (flat == wkbPolygon || flat == wkbMultiPolygon) return wkbMultiPolygon;
  if (flat == wkbLineString || flat == wkbMultiLineString) return wkbMultiLineString;
  return flat == wkbPoint || flat == wkbMultiPoint ? flat : wkbUnknown;
}

OGRGeometryUniquePtr as_written(const Geometry& shape, OGRwkbGeometryType type) {
  OGRGeometryUniquePtr copy(shape.ogr()->clone());
  const auto own = type == wkbUnknown ? written_type(copy->getGeometryType()) : type;
  if (own == wkbMultiPolygon || own == wkbMultiLineString || own == wkbMultiPoint)
    copy.reset(OGRGeometryFactory::forceTo(copy.release(), own));
  return copy;
}

void copy_value(const OGRFeature& from, int column, OGRFeature& to, int written) {
  if (!from.IsFieldSet(column)) return;
  const auto type = from.GetFieldDefnRef(column)->GetType();
  if (from.IsFieldNull(column))
    to.SetFieldNull(written);
  else if (is_list(type) || type == OFTTime)
    to.SetField(written, value_text(from, column).c_str());
  else
    to.SetField(written, from.GetRawFieldRef(column));
}

// A name that no column has, in small letters or large ones.
std::string free_name(const std::vector<std::unique_ptr<OGRFieldDefn>>& columns, std::string name) {
  while (std::any_of(columns.begin(), columns.end(), [&name](const auto& column) {
    return EQUAL(column->GetNameRef(), name.c_str());
  }))
    name += "_";
  return name;
}

void add_parts(const OGRGeometry& shape, int dimension, OGRGeometryCollection& parts) {
  if (shape.IsEmpty()) return;
  if (const auto type = wkbFlatten(shape.getGeometryType());
      OGR_GT_IsSubClassOf(type, wkbGeometryCollection) != 0) {
    for (const auto* part : *shape.toGeometryCollection()) add_parts(*part, dimension, parts);
    return;
  }
  if (shape.getDimension() == dimension) parts.addGeometry(&shape);
}

bool holds(const geo::Box& box, const OGRPoint& point) {
  return point.getX() >= box.min_x && point.getX() < box.max_x && point.getY() > box.min_y &&
         point.getY() <= box.max_y;
}

// The points of a shape that lie in the box.
void add_points(const OGRGeometry& shape, const geo::Box& box, OGRMultiPoint& points) {
  if (shape.IsEmpty()) return;
  if (wkbFlatten(shape.getGeometryType()) == wkbPoint) {
    if (holds(box, *shape.toPoint())) points.addGeometry(&shape);
    return;
  }
  for (const auto* part : *shape.toGeometryCollection()) add_points(*part, box, points);
}

// One part as itself, several as the narrowest collection of them.
Geometry joined(std::unique_ptr<OGRGeometryCollection> parts) {
  if (parts->IsEmpty()) return {};
  if (parts->getNumGeometries() == 1)
    return Geometry(std::shared_ptr<const OGRGeometry>(parts->getGeometryRef(0)->clone()));
  const auto type = wkbFlatten(parts->getGeometryRef(0)->getGeometryType());
  const bool same = std::all_of(parts->begin(), parts->end(), [type](const OGRGeometry* part) {
    return wkbFlatten(part->getGeometryType()) == type;
  });
  const auto multi = same ? OGR_GT_GetCollection(type) : wkbGeometryCollection;
  return Geometry(
      std::shared_ptr<const OGRGeometry>(OGRGeometryFactory::forceTo(parts.release(), multi)));
}

}  // namespace

struct FeatureTable::Impl {
  geo::Crs crs;
  OGRwkbGeometryType type = wkbUnknown;
  std::vector<std::unique_ptr<OGRFieldDefn>> columns;
  struct Row {
    OGRFeatureUniquePtr feature;  // without its shape
    Geometry shape;
  };
  std::vector<Row> rows;
  std::vector<int> indices;  // of columns, in the features
  std::string schema_text;
};

FeatureTable FeatureTable::read(const std::string& path, const FeatureQuery& query) {
  auto impl = std::make_shared<Impl>();
  const DatasetHandle dataset = open_vectors(path);
  OGRLayer& layer = chosen_layer(*GDALDataset::FromHandle(dataset.get()), query.layer, path);
  const auto& definition = *layer.GetLayerDefn();
  impl->crs = crs_of(layer.GetSpatialRef());
  impl->type = layer.GetGeomType();
  impl->indices = column_indices(layer, query.columns, path);
  if (query.columns.empty())
    for (int i = 0; i < definition.GetFieldCount(); ++i) impl->indices.push_back(i);
  for (const int index : impl->indices) {
    const auto& column = impl->columns.emplace_back(writable(*definition.GetFieldDefn(index)));
    impl->schema_text +=
        fmt::format("{}:{}:{};", column->GetNameRef(), static_cast<int>(column->GetType()),
                    static_cast<int>(column->GetSubType()));
  }
  impl->schema_text += fmt::format("{}", static_cast<int>(written_type(impl->type)));
  const Capture capture(path);
  set_condition(layer, query.where, path);
  layer.ResetReading();
  while (OGRFeatureUniquePtr feature{layer.GetNextFeature()}) {
    auto shape = take_shape(*feature);
    if (shape.empty()) continue;
    impl->rows.push_back({std::move(feature), std::move(shape)});
    if (impl->rows.size() > kMostFeatures)
      throw Error(ErrorCode::resource, fmt::format("more than {} features", kMostFeatures))
          .at({.file = path});
  }
  check_all_read(capture, layer, query.where, impl->rows.size(), path);
  return FeatureTable(std::move(impl));
}

const geo::Crs& FeatureTable::crs() const {
  return impl_->crs;
}

size_t FeatureTable::size() const {
  return impl_->rows.size();
}

const Geometry& FeatureTable::shape(size_t feature) const {
  return impl_->rows[feature].shape;
}

int64_t FeatureTable::id(size_t feature) const {
  return impl_->rows[feature].feature->GetFID();
}

std::string FeatureTable::text(size_t feature) const {
  const OGRFeature& from = *impl_->rows[feature].feature;
  std::string text = fmt::format("{} {}", from.GetFID(), impl_->schema_text);
  for (const int index : impl_->indices) {
    if (!from.IsFieldSetAndNotNull(index)) {
      text += "\n-";
      continue;
    }
    text += "\n+" + value_text(from, index);
  }
  return text;
}

void FeatureTable::write(const std::string& path, const std::string& layer_name,
                         const geo::Crs& crs, const std::vector<Row>& rows) const {
  register_vector_drivers();
  const bool geojson = path.ends_with(".geojson");
  const Capture capture(path);
  // A GeoPackage tells when it was made.
  const ThreadOption date("OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z");
  const auto unwritten = [&] {
    return capture.error(ErrorCode::unavailable, "the file of features cannot be written");
  };
  auto* const driver = GetGDALDriverManager()->GetDriverByName(geojson ? "GeoJSON" : "GPKG");
  DatasetHandle handle(
      driver->Create(checked_path(path, Access::write).c_str(), 0, 0, 0, GDT_Unknown, nullptr));
  if (!handle) throw unwritten();
  auto* const dataset = GDALDataset::FromHandle(handle.get());
  const auto type = written_type(impl_->type);
  auto reference = reference_of(crs);
  Options options;
  if (geojson) {
    options.set("RFC7946", "YES");
  } else {
    options.set("FID", free_name(impl_->columns, "fid"));
    options.set("GEOMETRY_NAME", free_name(impl_->columns, "geom"));
  }
  auto* const layer = dataset->CreateLayer(layer_name.c_str(), &reference, type, options.get());
  if (layer == nullptr) throw unwritten();
  for (const auto& column : impl_->columns)
    if (layer->CreateField(column.get()) != OGRERR_NONE) throw unwritten();
  // One transaction: a statement each would be a thousand times slower.
  const bool transaction = dataset->StartTransaction() == OGRERR_NONE;
  for (const auto& row : rows) {
    const OGRFeature& from = *impl_->rows[row.feature].feature;
    OGRFeature feature(layer->GetLayerDefn());
    feature.SetFID(from.GetFID());
    for (size_t i = 0; i < impl_->indices.size(); ++i)
      copy_value(from, impl_->indices[i], feature, static_cast<int>(i));
    feature.SetGeometryDirectly(as_written(row.shape, type).release());
    if (layer->CreateFeature(&feature) != OGRERR_NONE) throw unwritten();
  }
  if (transaction) dataset->CommitTransaction();
  handle.reset();
  if (capture.failed() || capture.write_failed()) throw unwritten();
}

Geometry clipped(const Geometry& shape, const geo::Box& box) {
  if (shape.empty()) return {};
  const OGRGeometry& from = *shape.ogr();
  const auto type = wkbFlatten(from.getGeometryType());
  if (type == wkbPoint || type == wkbMultiPoint) {
    auto points = std::make_unique<OGRMultiPoint>();
    add_points(from, box, *points);
    return joined(std::move(points));
  }
  auto parts = std::make_unique<OGRGeometryCollection>();
  if (type == wkbGeometryCollection) {
    for (const auto* part : *from.toGeometryCollection()) {
      const auto inside = clipped(Geometry(std::shared_ptr<const OGRGeometry>(part->clone())), box);
      if (!inside.empty()) parts->addGeometry(inside.ogr());
    }
    return joined(std::move(parts));
  }
  const auto inside = shape.intersection(Geometry::box(box));
  if (inside.empty()) return {};
  add_parts(*inside.ogr(), from.getDimension(), *parts);
  return joined(std::move(parts));
}

}  // namespace geoloom::gdal
