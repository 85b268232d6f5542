// SPDX-License-Identifier: Apache-2.0
#include "geo/coordinate_operation.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>

#include "error/error.h"
#include "geo/proj_context.h"

namespace geoloom::geo {
namespace {

struct FactoryDestroy {
  void operator()(PJ_OPERATION_FACTORY_CONTEXT* factory) const {
    proj_operation_factory_context_destroy(factory);
  }
};

// The instantiated operations of a thread, by text.
class ThreadOperations {
 public:
  ThreadOperations() : context_(proj_context()) {}

  PJ* get(const std::string& text) {
    auto& pj = operations_[text];
    if (!pj) pj.reset(proj_create(context_, text.c_str()));
    if (!pj || proj_pj_info(pj.get()).has_inverse == 0) {
      operations_.erase(text);
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' is not a coordinate operation that goes both ways", text))
          .cause(take_proj_message());
    }
    return pj.get();
  }

 private:
  PJ_CONTEXT* const context_;
  std::map<std::string, PjHandle> operations_;
};

ThreadOperations& thread_operations() {
  thread_local ThreadOperations operations;
  return operations;
}

PjHandle definition_of(const Crs& crs) {
  PjHandle pj(proj_create(proj_context(), crs.wkt().c_str()));
  if (!pj)
    throw Error(ErrorCode::invalid,
                fmt::format("'{}' is no coordinate reference system", crs.name()))
        .cause(take_proj_message());
  return pj;
}

// The candidates in PROJ's order: by place and accuracy, those with missing grids left out.
PjListHandle candidates(const Crs& from, const Crs& to, const std::optional<LonLatRange>& near) {
  PJ_CONTEXT* context = proj_context();
  const std::unique_ptr<PJ_OPERATION_FACTORY_CONTEXT, FactoryDestroy> factory(
      proj_create_operation_factory_context(context, nullptr));
  proj_operation_factory_context_set_spatial_criterion(context, factory.get(),
                                                       PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION);
  proj_operation_factory_context_set_grid_availability_use(
      context, factory.get(), PROJ_GRID_AVAILABILITY_DISCARD_OPERATION_IF_MISSING_GRID);
  if (near)
    proj_operation_factory_context_set_area_of_interest(context, factory.get(), near->west,
                                                        near->south, near->east, near->north);
  const PjHandle source = definition_of(from);
  const PjHandle target = definition_of(to);
  return PjListHandle(proj_create_operations(context, source.get(), target.get(), factory.get()));
}

std::string pipeline_of(PJ* operation) {
  PJ_CONTEXT* context = proj_context();
  const PjHandle visual(proj_normalize_for_visualization(context, operation));
  if (!visual) return {};
  const char* text = proj_as_proj_string(context, visual.get(), PJ_PROJ_5, nullptr);
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

CoordinateOperation CoordinateOperation::between(const Crs& from, const Crs& to,
                                                 const std::optional<LonLatRange>& near) {
  if (!from.known() || !to.known())
    throw Error(ErrorCode::invalid, "the coordinate reference system is unknown");
  if (from == to) return {};
  const PjListHandle list = candidates(from, to, near);
  const int count = list ? proj_list_get_count(list.get()) : 0;
  for (int i = 0; i < count; ++i) {
    const PjHandle operation(proj_list_get(proj_context(), list.get(), i));
    if (!operation || proj_coordoperation_is_instantiable(proj_context(), operation.get()) == 0)
      continue;
    const std::string text = pipeline_of(operation.get());
    if (text.empty()) continue;
    try {
      return parse(text);
    } catch (const Error&) {
      // One way only, or a method that PROJ describes but does not carry out: the next.
    }
  }
  throw Error(ErrorCode::invalid,
              fmt::format("there is no way from {} to {}", from.name(), to.name()))
      .cause(take_proj_message());
}

CoordinateOperation CoordinateOperation::parse(std::string_view text) {
  CoordinateOperation operation;
  // "noop" is what PROJ says of systems that differ in their names only.
  if (text != kIdentity && text != "+proj=noop") {
    operation.text_ = text;
    thread_operations().get(operation.text_);
  }
  return operation;
}

void CoordinateOperation::transform(bool forward, std::span<double> x, std::span<double> y) const {
  if (x.size() != y.size())
    throw Error(ErrorCode::internal, "as many x as y are needed to transform points");
  if (identity() || x.empty()) return;
  PJ* pj = thread_operations().get(text_);
  proj_errno_reset(pj);
  proj_trans_generic(pj, forward ? PJ_FWD : PJ_INV, x.data(), sizeof(double), x.size(), y.data(),
                     sizeof(double), y.size(), nullptr, 0, 0, nullptr, 0, 0);
  take_proj_message();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (size_t i = 0; i < x.size(); ++i)
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) x[i] = y[i] = nan;
}

}  // namespace geoloom::geo
