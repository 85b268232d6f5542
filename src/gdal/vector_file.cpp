// SPDX-License-Identifier: Apache-2.0
#include "gdal/vector_file.h"

#include <fmt/format.h>
#include <ogr_geometry.h>
#include <ogrsf_frmts.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <mutex>

#include "error/spelling.h"
#include "gdal/vector_dataset.h"

namespace geoloom::gdal {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxFeatures = 20'000'000;

}  // namespace

void register_vector_drivers() {
  initialise();
  static std::once_flag once;
  std::call_once(once, [] {
    RegisterOGRGeoJSON();
    RegisterOGRGeoJSONSeq();
    RegisterOGRGeoPackage();
    RegisterOGRShape();
    RegisterOGRFlatGeobuf();
    RegisterOGRKML();
    RegisterOGRCSV();
  });
}

namespace {

bool ends_with(const std::string& path, std::string_view ending) {
  if (path.size() < ending.size()) return false;
  std::string tail = path.substr(path.size() - ending.size());
  std::transform(tail.begin(), tail.end(), tail.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return tail == ending;
}

// A Shapefile is several files, and a link may lead any of them elsewhere.
void check_companions(const std::string& path) {
  if (!ends_with(path, ".shp")) return;
  for (const char* ending : {"dbf", "shx", "prj", "cpg"})
    checked_path(path.substr(0, path.size() - 3) + ending);
}

}  // namespace

DatasetHandle open_vectors(const std::string& path) {
  register_vector_drivers();
  const std::string checked = checked_path(path);
  check_companions(path);
  std::vector<const char*> drivers;
  for (const auto& name : allowed_vector_drivers()) drivers.push_back(name.c_str());
  drivers.push_back(nullptr);
  Options options;
  if (ends_with(path, ".csv")) {
    options.set("GEOM_POSSIBLE_NAMES", "wkt,WKT,geometry,geom,the_geom");
    options.set("X_POSSIBLE_NAMES", "x,lon,long,longitude");
    options.set("Y_POSSIBLE_NAMES", "y,lat,latitude");
  }
  const Capture capture(path);
  DatasetHandle handle(GDALOpenEx(checked.c_str(),
                                  GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR,
                                  drivers.data(), options.get(), nullptr));
  if (handle) return handle;
  const std::string start = first_bytes(path, 1024);
  if (start.empty()) throw Error(ErrorCode::corrupt, "the file is empty").at({.file = path});
  const std::string kind = looks_like(start);
  throw capture
      .error(ErrorCode::invalid, kind.empty() ? std::string("this is not a vector file that can be "
                                                            "read")
                                              : fmt::format("this looks like {}, but cannot be "
                                                            "read as a vector file",
                                                            kind))
      .hint(
          "shapes may be GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, or CSV with a column of "
          "WKT");
}

geo::Crs crs_of(const OGRSpatialReference* reference) {
  if (reference == nullptr) return {};
  const std::array<const char*, 3> options{"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* raw = nullptr;
  const OGRErr result = reference->exportToWkt(&raw, options.data());
  const std::unique_ptr<char, void (*)(void*)> wkt(raw, &VSIFree);
  if (result != OGRERR_NONE || !wkt) return {};
  return geo::Crs::parse(wkt.get());
}

OGRSpatialReference reference_of(const geo::Crs& crs) {
  OGRSpatialReference reference;
  reference.SetFromUserInput(crs.name().c_str());
  reference.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return reference;
}

std::vector<int> column_indices(OGRLayer& layer, const std::vector<std::string>& columns,
                                const std::string& path) {
  const OGRFeatureDefn* definition = layer.GetLayerDefn();
  std::vector<int> indices;
  for (const auto& column : columns) {
    indices.push_back(definition->GetFieldIndex(column.c_str()));
    if (indices.back() >= 0) continue;
    std::vector<std::string> names;
    for (int i = 0; i < definition->GetFieldCount(); ++i)
      names.emplace_back(definition->GetFieldDefn(i)->GetNameRef());
    throw Error(ErrorCode::invalid,
                fmt::format("layer '{}' has no column '{}'", layer.GetName(), column))
        .at({.file = path})
        .hint(spelling_hint(column, names));
  }
  return indices;
}

namespace {

Error no_condition(const Capture& capture, const OGRLayer& layer, const std::string& where,
                   const std::string& path) {
  return Error(ErrorCode::invalid, fmt::format("'{}' is no condition on the columns of layer '{}'",
                                               where, layer.GetDescription()))
      .at({.file = path})
      .cause(capture.text());
}

}  // namespace

void set_condition(OGRLayer& layer, const std::string& where, const std::string& path) {
  const Capture capture(path);
  if (!where.empty() && layer.SetAttributeFilter(where.c_str()) != OGRERR_NONE)
    throw no_condition(capture, layer, where, path);
}

void check_all_read(const Capture& capture, const OGRLayer& layer, const std::string& where,
                    size_t read, const std::string& path) {
  if (!capture.failed()) return;
  if (!where.empty() && read == 0) throw no_condition(capture, layer, where, path);
  throw capture.error(ErrorCode::corrupt, "the features cannot be read to their end");
}

Geometry take_shape(OGRFeature& feature) {
  OGRGeometry* shape = feature.StealGeometry();
  if (shape == nullptr) return {};
  shape->flattenTo2D();
  if (shape->hasCurveGeometry()) {
    OGRGeometry* linear = shape->getLinearGeometry();
    OGRGeometryFactory::destroyGeometry(shape);
    shape = linear;
  }
  shape->assignSpatialReference(nullptr);
  return Geometry(std::shared_ptr<const OGRGeometry>(shape));
}

namespace {

VectorLayer read_layer(OGRLayer& layer, const VectorQuery& query, const std::string& path) {
  VectorLayer out;
  out.name = layer.GetName();
  out.crs = crs_of(layer.GetSpatialRef());
  const auto columns = column_indices(layer, query.columns, path);
  const Capture capture(path);
  set_condition(layer, query.where, path);
  layer.ResetReading();
  while (const OGRFeatureUniquePtr feature{layer.GetNextFeature()}) {
    VectorFeature read;
    read.id = feature->GetFID();
    for (const int column : columns) read.values.emplace_back(feature->GetFieldAsString(column));
    read.geometry = take_shape(*feature);
    if (read.geometry.empty()) continue;
    out.features.push_back(std::move(read));
    if (static_cast<int64_t>(out.features.size()) > kMaxFeatures)
      throw Error(ErrorCode::resource, fmt::format("more than {} features", kMaxFeatures))
          .at({.file = path});
  }
  check_all_read(capture, layer, query.where, out.features.size(), path);
  return out;
}

}  // namespace

const std::vector<std::string>& allowed_vector_drivers() {
  static const std::vector<std::string> drivers{
      "GeoJSON", "GeoJSONSeq", "GPKG", "ESRI Shapefile", "FlatGeobuf", "KML", "CSV"};
  return drivers;
}

geo::Crs crs_of(const VectorLayer& layer, const std::string& given, const std::string& file,
                const std::string& example) {
  if (layer.crs.known()) return layer.crs;
  if (!given.empty()) return geo::Crs::parse(given);
  throw Error(ErrorCode::invalid,
              fmt::format("{} does not tell its coordinate reference system", file))
      .at({.file = file})
      .hint("say which one, as in " + example);
}

std::vector<VectorLayer> read_vectors(const std::string& path, const VectorQuery& query) {
  const DatasetHandle handle = open_vectors(path);
  auto* const dataset = GDALDataset::FromHandle(handle.get());
  std::vector<VectorLayer> layers;
  std::vector<std::string> names;
  for (auto* layer : dataset->GetLayers()) {
    names.emplace_back(layer->GetName());
    if (!query.layer.empty() && query.layer != names.back()) continue;
    layers.push_back(read_layer(*layer, query, path));
  }
  if (layers.empty() && !query.layer.empty())
    throw Error(ErrorCode::invalid, fmt::format("there is no layer '{}'", query.layer))
        .at({.file = path})
        .hint(spelling_hint(query.layer, names));
  return layers;
}

std::vector<VectorLayerInfo> describe_vectors(const std::string& path) {
  const DatasetHandle handle = open_vectors(path);
  const Capture capture(path);
  std::vector<VectorLayerInfo> layers;
  for (auto* layer : GDALDataset::FromHandle(handle.get())->GetLayers()) {
    VectorLayerInfo info;
    info.name = layer->GetName();
    info.crs = crs_of(layer->GetSpatialRef());
    info.geometry = OGRGeometryTypeToName(layer->GetGeomType());
    info.features = layer->GetFeatureCount(TRUE);
    OGREnvelope box;
    if (info.features > 0 && layer->GetExtent(&box, TRUE) == OGRERR_NONE && box.IsInit())
      info.bounds = geo::Box{box.MinX, box.MinY, box.MaxX, box.MaxY};
    const OGRFeatureDefn* definition = layer->GetLayerDefn();
    for (int i = 0; i < definition->GetFieldCount(); ++i) {
      const OGRFieldDefn* field = definition->GetFieldDefn(i);
      info.columns.push_back(
          {field->GetNameRef(), OGRFieldDefn::GetFieldTypeName(field->GetType())});
    }
    layers.push_back(std::move(info));
  }
  if (capture.failed())
    throw capture.error(ErrorCode::corrupt, "the layers cannot be read to their end");
  return layers;
}

bool named_like_vectors(const std::string& path) {
  for (const char* ending :
       {".gpkg", ".geojson", ".geojsonl", ".geojsons", ".shp", ".fgb", ".kml", ".csv"})
    if (ends_with(path, ending)) return true;
  return false;
}

struct VectorWriter::Impl {
  // A GeoPackage tells when it was made.
  const ThreadOption date{"OGR_CURRENT_DATE", "2000-01-01T00:00:00.000Z"};
  std::string path, scratch, driver, ending;
  DatasetHandle dataset;
  OGRLayer* layer = nullptr;
  bool in_transaction = false;

  void end_layer() {
    if (in_transaction) GDALDataset::FromHandle(dataset.get())->CommitTransaction();
    in_transaction = false;
    layer = nullptr;
  }
};

VectorWriter::VectorWriter(const std::string& path) : impl_(std::make_unique<Impl>()) {
  register_vector_drivers();
  impl_->path = path;
  const std::array<std::array<const char*, 2>, 4> known{
      {{".gpkg", "GPKG"}, {".geojson", "GeoJSON"}, {".json", "GeoJSON"}, {".fgb", "FlatGeobuf"}}};
  for (const auto& [ending, driver] : known)
    if (ends_with(path, ending)) {
      impl_->driver = driver;
      impl_->ending = ending;
    }
  if (impl_->driver.empty())
    throw Error(ErrorCode::invalid, "shapes are written as .gpkg, .geojson or .fgb")
        .at({.file = path});
  if (is_remote(path) || path.find("://") != std::string::npos)
    throw Error(ErrorCode::invalid, "vector files are written to local folders only")
        .at({.file = path});
  checked_path(path, Access::write);
  const Capture capture(path);
  impl_->scratch = fmt::format("{}.part-{}{}", path, getpid(), impl_->ending);
  GDALDriver* driver = GetGDALDriverManager()->GetDriverByName(impl_->driver.c_str());
  impl_->dataset.reset(driver->Create(checked_path(impl_->scratch, Access::write).c_str(), 0, 0, 0,
                                      GDT_Unknown, nullptr));
  if (!impl_->dataset) throw capture.error(ErrorCode::unavailable, "the file cannot be written");
}

VectorWriter::~VectorWriter() {
  if (!impl_->dataset) return;
  const Capture capture(impl_->path);
  impl_->dataset.reset();
  std::error_code ignored;
  fs::remove(impl_->scratch, ignored);
}

bool VectorWriter::geojson() const {
  return impl_->driver == "GeoJSON";
}

void VectorWriter::begin_layer(const std::string& name, const geo::Crs& crs,
                               const std::vector<Column>& columns) {
  const Capture capture(impl_->path);
  impl_->end_layer();
  auto reference = reference_of(crs);
  Options options;
  if (geojson()) options.set("RFC7946", "YES");
  auto* const dataset = GDALDataset::FromHandle(impl_->dataset.get());
  impl_->layer = dataset->CreateLayer(name.c_str(), &reference, wkbUnknown, options.get());
  if (impl_->layer == nullptr)
    throw capture.error(ErrorCode::unavailable, "the layer cannot be written");
  for (const auto& column : columns) {
    OGRFieldDefn field(column.name.c_str(), column.integer ? OFTInteger64
                                            : column.real  ? OFTReal
                                                           : OFTString);
    if (impl_->layer->CreateField(&field) != OGRERR_NONE)
      throw capture.error(ErrorCode::unavailable, "the layer cannot be written");
  }
  impl_->in_transaction = dataset->StartTransaction() == OGRERR_NONE;
}

void VectorWriter::add(const Geometry& geometry, const std::vector<std::string>& values) {
  OGRFeature feature(impl_->layer->GetLayerDefn());
  for (size_t i = 0; i < values.size(); ++i)
    feature.SetField(static_cast<int>(i), values[i].c_str());
  if (!geometry.empty()) feature.SetGeometry(geometry.ogr());
  if (impl_->layer->CreateFeature(&feature) == OGRERR_NONE) return;
  throw Error(ErrorCode::unavailable, "a feature cannot be written").at({.file = impl_->path});
}

void VectorWriter::close() {
  const Capture capture(impl_->path);
  impl_->end_layer();
  impl_->dataset.reset();
  if (capture.failed() || capture.write_failed()) {
    std::error_code ignored;
    fs::remove(impl_->scratch, ignored);
    throw capture.error(ErrorCode::unavailable, "the file cannot be written");
  }
  move_file(impl_->scratch, impl_->path);
}

}  // namespace geoloom::gdal
