// SPDX-License-Identifier: Apache-2.0
#include "geo/crs.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "error/error.h"
#include "geo/proj_context.h"

namespace geoloom::geo {
namespace {

// A definition is some kilobytes; longer text comes from a hostile or broken file.
constexpr size_t kMaxTextBytes = 64 * 1024;
// Both caches are emptied when they reach this; a run meets a handful of systems.
constexpr size_t kMaxCached = 1024;
constexpr int kMinConfidence = 90;

// The transformations of this thread.
class ThreadState {
 public:
  ThreadState() : context_(proj_context()) {}
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  PJ_CONTEXT* context() { return context_; }
  static std::string take_message() { return take_proj_message(); }

  PJ* to_wgs84(const Crs& crs) {
    auto& pj = transforms_[crs.wkt()];
    if (!pj) {
      const PjHandle raw(
          proj_create_crs_to_crs(context(), crs.wkt().c_str(), "EPSG:4326", nullptr));
      if (raw) pj.reset(proj_normalize_for_visualization(context(), raw.get()));
      if (!pj)
        throw Error(ErrorCode::invalid,
                    fmt::format("no way from {} to longitude and latitude", crs.name()))
            .cause(take_message());
    }
    return pj.get();
  }

 private:
  PJ_CONTEXT* const context_;
  std::map<std::string, PjHandle> transforms_;
};

ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

std::string shortened(std::string_view text) {
  return std::string(text.substr(0, 60)) + (text.size() > 60 ? "..." : "");
}

[[noreturn]] void refuse(std::string_view text, std::string cause) {
  throw Error(ErrorCode::invalid,
              fmt::format("'{}' is not a coordinate reference system", shortened(text)))
      .cause(std::move(cause))
      .hint("give an authority code such as EPSG:32631, WKT or PROJJSON");
}

// The part of a CRS that says where pixels lie on the map: without datum shift and without heights.
PjHandle horizontal_part(PjHandle pj) {
  PJ_CONTEXT* context = thread_state().context();
  for (int depth = 0; pj && depth < 4; ++depth) {
    const PJ_TYPE type = proj_get_type(pj.get());
    if (type == PJ_TYPE_BOUND_CRS)
      pj.reset(proj_get_source_crs(context, pj.get()));
    else if (type == PJ_TYPE_COMPOUND_CRS)
      pj.reset(proj_crs_get_sub_crs(context, pj.get(), 0));
    else
      break;
  }
  return pj;
}

bool usable(PJ_TYPE type) {
  return type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS ||
         type == PJ_TYPE_PROJECTED_CRS || type == PJ_TYPE_ENGINEERING_CRS ||
         type == PJ_TYPE_OTHER_CRS;
}

std::string own_code(const PJ* pj) {
  const char* authority = proj_get_id_auth_name(pj, 0);
  const char* code = proj_get_id_code(pj, 0);
  if (authority == nullptr || code == nullptr) return {};
  return fmt::format("{}:{}", authority, code);
}

// The EPSG entry that a definition without a code matches, if the match is sure enough.
PjHandle identified(const PJ* pj) {
  PJ_CONTEXT* context = thread_state().context();
  int* confidences = nullptr;
  const PjListHandle matches(proj_identify(context, pj, "EPSG", nullptr, &confidences));
  const std::unique_ptr<int, decltype(&proj_int_list_destroy)> owned(confidences,
                                                                     &proj_int_list_destroy);
  if (!matches) return nullptr;
  const int count = proj_list_get_count(matches.get());
  for (int i = 0; i < count && confidences[i] >= kMinConfidence; ++i) {
    PjHandle match(proj_list_get(context, matches.get(), i));
    if (match && proj_is_deprecated(match.get()) == 0) return match;
  }
  return nullptr;
}

// One definition per code, whatever dialect the code came in, so that equal systems have equal
// fingerprints. CRS84 is EPSG:4326 with the axes in the order that we use for everything.
PjHandle canonical(PjHandle pj) {
  std::string code = own_code(pj.get());
  if (code.empty()) {
    // The match keeps details of the text, such as the spelling of units: only its code is used.
    const PjHandle match = identified(pj.get());
    if (!match) return pj;
    code = own_code(match.get());
  }
  if (code == "OGC:CRS84") code = "EPSG:4326";
  PjHandle entry(proj_create(thread_state().context(), code.c_str()));
  return entry && usable(proj_get_type(entry.get())) ? std::move(entry) : std::move(pj);
}

std::string checked_text(std::string_view text) {
  if (text.empty()) refuse(text, "the text is empty");
  if (text.size() > kMaxTextBytes) refuse(text, "the text is longer than 64 KiB");
  if (text.find('\0') != std::string_view::npos) refuse("", "the text holds a zero byte");
  std::string out(text);
  if (text.find("+proj") == std::string_view::npos) return out;
  // Pipelines are operations, and the others can name files to read.
  for (const std::string_view word : {"grids", "init", "pipeline", "step"})
    if (text.find(word) != std::string_view::npos)
      refuse(text, fmt::format("PROJ strings with '{}' are not accepted", word));
  if (text.find("+type=crs") == std::string_view::npos) out += " +type=crs";
  return out;
}

// Of the first axis; 1 where PROJ tells none, as for engineering systems.
double unit_in_metres(const PJ* crs) {
  PJ_CONTEXT* context = thread_state().context();
  const PjHandle axes(proj_crs_get_coordinate_system(context, crs));
  double factor = 1;
  if (!axes || proj_cs_get_axis_info(context, axes.get(), 0, nullptr, nullptr, nullptr, &factor,
                                     nullptr, nullptr, nullptr) == 0)
    return 1;
  return factor;
}

PjHandle parsed(std::string_view text) {
  const std::string checked = checked_text(text);
  ThreadState& state = thread_state();
  state.take_message();
  PjHandle pj = horizontal_part(PjHandle(proj_create(state.context(), checked.c_str())));
  if (!pj) refuse(text, state.take_message());
  if (!usable(proj_get_type(pj.get()))) refuse(text, "it does not describe a map plane");
  return canonical(std::move(pj));
}

std::string wkt_of(const PJ* pj, std::string_view text) {
  const char* const options[] = {"MULTILINE=NO", nullptr};
  const char* wkt = proj_as_wkt(thread_state().context(), pj, PJ_WKT2_2019, options);
  if (wkt == nullptr) refuse(text, thread_state().take_message());
  return wkt;
}

template <typename Key, typename Value>
class BoundedCache {
 public:
  const Value* find(const Key& key, Value& out) {
    const std::lock_guard lock(mutex_);
    const auto it = values_.find(key);
    if (it == values_.end()) return nullptr;
    out = it->second;
    return &out;
  }
  void insert(const Key& key, const Value& value) {
    const std::lock_guard lock(mutex_);
    if (values_.size() >= kMaxCached) values_.clear();
    values_.insert_or_assign(key, value);
  }

 private:
  std::mutex mutex_;
  std::map<Key, Value> values_;
};

bool equivalent(const std::string& wkt_a, const std::string& wkt_b) {
  PJ_CONTEXT* context = thread_state().context();
  const PjHandle a(proj_create(context, wkt_a.c_str()));
  const PjHandle b(proj_create(context, wkt_b.c_str()));
  return a && b &&
         proj_is_equivalent_to_with_ctx(context, a.get(), b.get(),
                                        PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS) != 0;
}

XY transformed(const Crs& crs, PJ_DIRECTION direction, double x, double y) {
  if (!crs.known()) throw Error(ErrorCode::invalid, "the coordinate reference system is unknown");
  PJ* pj = thread_state().to_wgs84(crs);
  proj_errno_reset(pj);
  const PJ_COORD out = proj_trans(pj, direction, proj_coord(x, y, 0, 0));
  if (!std::isfinite(out.xy.x) || !std::isfinite(out.xy.y))
    throw Error(ErrorCode::invalid,
                fmt::format("the point ({}, {}) cannot be transformed {} {}", x, y,
                            direction == PJ_FWD ? "from" : "to", crs.name()));
  return {out.xy.x, out.xy.y};
}

}  // namespace

const std::shared_ptr<const Crs::Definition>& Crs::unknown() {
  static const auto none = std::make_shared<const Definition>();
  return none;
}

Crs Crs::parse(std::string_view text) {
  static BoundedCache<std::string, Crs> cache;
  const std::string key(text);
  Crs crs;
  if (cache.find(key, crs) != nullptr) return crs;
  const PjHandle pj = parsed(text);
  const PJ_TYPE type = proj_get_type(pj.get());
  Definition definition;
  definition.code = own_code(pj.get());
  definition.wkt = wkt_of(pj.get(), text);
  definition.geographic = type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS;
  if (!definition.geographic) definition.metres_per_unit = unit_in_metres(pj.get());
  crs.definition_ = std::make_shared<const Definition>(std::move(definition));
  cache.insert(key, crs);
  return crs;
}

bool operator==(const Crs& a, const Crs& b) {
  if (a.definition_ == b.definition_) return true;
  if (a.known() != b.known()) return false;
  if (a.wkt() == b.wkt()) return true;
  if (!a.code().empty() && a.code() == b.code()) return true;
  static BoundedCache<std::pair<std::string, std::string>, bool> cache;
  const auto key = std::make_pair(a.wkt(), b.wkt());
  bool equal = false;
  if (cache.find(key, equal) != nullptr) return equal;
  equal = equivalent(a.wkt(), b.wkt());
  cache.insert(key, equal);
  return equal;
}

LonLat to_lon_lat(const Crs& crs, double x, double y) {
  const XY out = transformed(crs, PJ_FWD, x, y);
  return {out.x, out.y};
}

XY from_lon_lat(const Crs& crs, double lon, double lat) {
  return transformed(crs, PJ_INV, lon, lat);
}

}  // namespace geoloom::geo
