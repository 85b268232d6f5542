// SPDX-License-Identifier: Apache-2.0
// One pixel per lane. What a pixel needs in iterations differs from its neighbours', so a vector of
// pixels is worked on a few iterations at a time, while its samples are in the first-level cache;
// then the pixels of the tile that go on are moved together (ObservationTile holds what that
// works on), and vectors stay full. A lane whose pixel has ended keeps what it had.
#include "kernels/geomedian.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "kernels/rank.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/geomedian.cpp"
#include "hwy/foreach_target.h"  // re-includes this file once per target
#include "hwy/highway.h"
#include "kernels/observations-inl.h"

#ifndef GEOLOOM_KERNELS_GEOMEDIAN_ONCE
#define GEOLOOM_KERNELS_GEOMEDIAN_ONCE
namespace geoloom::kernels {
namespace {

// The most lanes of a vector, here and in what is laid out for vectors.
constexpr size_t kMostLanes = kStrip;
constexpr uint32_t kIterationsPerVisit = 4;

// Where the pixels of a tile are in their iteration, in float or in double.
template <class Real>
struct Progress {
  std::vector<Real> y;           // by pixel, then band
  std::vector<Real> before;      // squared length of the last step
  std::vector<Real> running;     // 1, or 0 once it has ended
  std::vector<uint32_t> left;    // iterations
  std::vector<Real> y_of_lanes;  // by band, then lane: of the vector being worked on
  std::vector<Real> towards;     // the same of the weighted sums

  Progress(size_t pixels, size_t bands)
      : y(pixels * bands),
        before(pixels),
        running(pixels),
        left(pixels),
        y_of_lanes(bands * kMostLanes),
        towards(bands * kMostLanes) {}
};

// The pixels that are still worked on, side by side: slot s holds those of pixel[s].
struct Slots {
  const float* planes;  // as those of the tile, with as many rows and the same stride
  size_t count;
  std::vector<uint32_t> pixel;
};

// What one call needs beside the tile.
struct GeomedianScratch {
  Progress<float> near;
  Progress<double> exact;
  AlignedFloats moved;           // planes of slots
  std::vector<float> distances;  // planes of smad, emad, bcmad in turn
  std::vector<uint8_t> has_distance;

  GeomedianScratch(const ObservationTile& tile, size_t slices, bool with_deviations)
      : near(tile.pixels, tile.bands),
        exact(tile.pixels, tile.bands),
        moved(tile.planes.size()),
        distances(with_deviations ? 3 * slices * tile.pixels : 0),
        has_distance(with_deviations ? slices * tile.pixels : 0) {}
};

}  // namespace
}  // namespace geoloom::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace geoloom::kernels::HWY_NAMESPACE {
namespace {

template <class D>
HWY_INLINE hn::Vec<D> square(hn::Vec<D> value) {
  return hn::Mul(value, value);
}

// Sums over the observations of a vector of pixels: their weights, how many coincide with y, and in
// `towards` the weighted observations.
template <class D>
struct Pull {
  hn::Vec<D> weight, coincident;
};

template <class D>
HWY_INLINE hn::Vec<D> weight_of(D d, hn::Vec<D> squares) {
  const auto weight = hn::Div(hn::Set(d, hn::TFromD<D>{1}), hn::Sqrt(squares));
  return hn::IfThenElseZero(hn::Gt(squares, hn::Zero(d)), weight);  // gaps are NaN
}

template <class D>
HWY_INLINE hn::Vec<D> one_if_zero(D d, hn::Vec<D> squares) {
  return hn::IfThenElseZero(hn::Eq(squares, hn::Zero(d)), hn::Set(d, hn::TFromD<D>{1}));
}

// Four rows at a time: enough arithmetic beside each load of y and `towards`, and four roots and
// divisions that do not wait for each other.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void add_four_rows(D d, const float* row, size_t plane, size_t bands, const T* y,
                              T* towards, Pull<D>& pull) {
  const size_t rows = (bands + 1) * plane;
  auto q0 = load_sample(d, row), q1 = load_sample(d, row + rows);
  auto q2 = load_sample(d, row + 2 * rows), q3 = load_sample(d, row + 3 * rows);
  const float* x = row + plane;
  for (size_t b = 0; b < bands; ++b, x += plane) {
    const auto at = hn::LoadU(d, y + b * kMostLanes);
    q0 = hn::Add(q0, square<D>(hn::Sub(load_sample(d, x), at)));
    q1 = hn::Add(q1, square<D>(hn::Sub(load_sample(d, x + rows), at)));
    q2 = hn::Add(q2, square<D>(hn::Sub(load_sample(d, x + 2 * rows), at)));
    q3 = hn::Add(q3, square<D>(hn::Sub(load_sample(d, x + 3 * rows), at)));
  }
  const auto w0 = weight_of(d, q0), w1 = weight_of(d, q1);
  const auto w2 = weight_of(d, q2), w3 = weight_of(d, q3);
  pull.weight = hn::Add(hn::Add(hn::Add(hn::Add(pull.weight, w0), w1), w2), w3);
  pull.coincident = hn::Add(
      pull.coincident, hn::Add(hn::Add(one_if_zero(d, q0), one_if_zero(d, q1)),
                               hn::Add(one_if_zero(d, q2), one_if_zero(d, q3))));  // whole: exact
  x = row + plane;
  for (size_t b = 0; b < bands; ++b, x += plane) {
    auto sum = hn::LoadU(d, towards + b * kMostLanes);
    sum = hn::Add(sum, hn::Mul(w0, load_sample(d, x)));
    sum = hn::Add(sum, hn::Mul(w1, load_sample(d, x + rows)));
    sum = hn::Add(sum, hn::Mul(w2, load_sample(d, x + 2 * rows)));
    sum = hn::Add(sum, hn::Mul(w3, load_sample(d, x + 3 * rows)));
    hn::StoreU(sum, d, towards + b * kMostLanes);
  }
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void add_row(D d, const float* row, size_t plane, size_t bands, const T* y, T* towards,
                        Pull<D>& pull) {
  auto squares = load_sample(d, row);
  const float* x = row + plane;
  for (size_t b = 0; b < bands; ++b)
    squares = hn::Add(squares, square<D>(hn::Sub(load_sample(d, x + b * plane),
                                                 hn::LoadU(d, y + b * kMostLanes))));
  const auto weight = weight_of(d, squares);
  pull.weight = hn::Add(pull.weight, weight);
  pull.coincident = hn::Add(pull.coincident, one_if_zero(d, squares));
  for (size_t b = 0; b < bands; ++b) {
    const auto sum = hn::LoadU(d, towards + b * kMostLanes);
    hn::StoreU(hn::Add(sum, hn::Mul(weight, load_sample(d, x + b * plane))), d,
               towards + b * kMostLanes);
  }
}

// Leaves the weighted mean in `towards`.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE Pull<D> pull_on(D d, const float* planes, size_t plane, size_t rows, size_t bands,
                           const T* y, T* towards) {
  Pull<D> pull{hn::Zero(d), hn::Zero(d)};
  for (size_t b = 0; b < bands; ++b) hn::StoreU(hn::Zero(d), d, towards + b * kMostLanes);
  const size_t row_size = (bands + 1) * plane;
  size_t t = 0;
  for (; t + 4 <= rows; t += 4, planes += 4 * row_size)
    add_four_rows(d, planes, plane, bands, y, towards, pull);
  for (; t < rows; ++t, planes += row_size) add_row(d, planes, plane, bands, y, towards, pull);
  const auto inverse = hn::Div(hn::Set(d, T{1}), pull.weight);
  for (size_t b = 0; b < bands; ++b)
    hn::StoreU(hn::Mul(hn::LoadU(d, towards + b * kMostLanes), inverse), d,
               towards + b * kMostLanes);
  return pull;
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> squared_step(D d, size_t bands, const T* y, const T* towards) {
  auto squares = hn::Zero(d);
  for (size_t b = 0; b < bands; ++b)
    squares = hn::Add(squares, square<D>(hn::Sub(hn::LoadU(d, towards + b * kMostLanes),
                                                 hn::LoadU(d, y + b * kMostLanes))));
  return squares;
}

template <class D, class T = hn::TFromD<D>>
HWY_INLINE void move_where(D d, hn::Mask<D> moves, size_t bands, const T* towards, T* y) {
  for (size_t b = 0; b < bands; ++b) {
    const auto stays = hn::LoadU(d, y + b * kMostLanes);
    hn::StoreU(hn::IfThenElse(moves, hn::LoadU(d, towards + b * kMostLanes), stays), d,
               y + b * kMostLanes);
  }
}

// The state of a vector of pixels while it is visited.
template <class D>
struct Visited {
  hn::Vec<D> before, left, count;
  hn::Mask<D> running;
};

// One iteration in float: towards the median while steps get shorter and no observation coincides.
// The last iteration of all is left to double.
template <class D>
HWY_INLINE void iterate(D d, float least, size_t bands, const Pull<D>& pull, float* y,
                        float* towards, Visited<D>& v) {
  const auto step = squared_step(d, bands, y, towards);
  const auto useful =
      hn::And(hn::Lt(step, v.before), hn::Eq(pull.coincident, hn::Zero(d)));  // not so for NaN
  const auto moves = hn::And(v.running, useful);
  move_where(d, moves, bands, towards, y);
  v.before = step;
  v.left = hn::IfThenElse(v.running, hn::Sub(v.left, hn::Set(d, 1.0F)), v.left);
  v.running =
      hn::And(moves, hn::And(hn::Ge(step, hn::Set(d, least)), hn::Gt(v.left, hn::Set(d, 1.0F))));
}

// The step of Vardi and Zhang, for lanes where observations coincide with y.
template <class D>
HWY_INLINE void hold_back(D d, size_t bands, const Pull<D>& pull, const double* y,
                          double* towards) {
  auto squares = hn::Zero(d);
  for (size_t b = 0; b < bands; ++b) {
    const auto away =
        hn::Sub(hn::LoadU(d, towards + b * kMostLanes), hn::LoadU(d, y + b * kMostLanes));
    squares = hn::Add(squares, square<D>(hn::Mul(away, pull.weight)));
  }
  const auto one = hn::Set(d, 1.0), strength = hn::Sqrt(squares);
  const auto ratio = hn::Div(pull.coincident, strength);
  const auto held = hn::IfThenElseZero(hn::Gt(strength, hn::Zero(d)),
                                       hn::IfThenElse(hn::Lt(ratio, one), ratio, one));
  const auto applies = hn::Gt(pull.coincident, hn::Zero(d));
  for (size_t b = 0; b < bands; ++b) {
    const auto to = hn::LoadU(d, towards + b * kMostLanes);
    const auto mixed =
        hn::Add(hn::Mul(hn::Sub(one, held), to), hn::Mul(held, hn::LoadU(d, y + b * kMostLanes)));
    hn::StoreU(hn::IfThenElse(applies, mixed, to), d, towards + b * kMostLanes);
  }
}

// One iteration in double, by the definition.
template <class D>
HWY_INLINE void iterate(D d, double least, size_t bands, const Pull<D>& pull, double* y,
                        double* towards, Visited<D>& v) {
  if (!hn::AllFalse(d, hn::Gt(pull.coincident, hn::Zero(d)))) hold_back(d, bands, pull, y, towards);
  const auto moves = hn::And(v.running, hn::Lt(pull.coincident, v.count));
  const auto step = squared_step(d, bands, y, towards);
  move_where(d, moves, bands, towards, y);
  v.left = hn::IfThenElse(v.running, hn::Sub(v.left, hn::Set(d, 1.0)), v.left);
  v.running = hn::And(moves, hn::And(hn::Ge(step, hn::Set(d, least)), hn::Gt(v.left, hn::Zero(d))));
}

// A few iterations of the pixels in slots [slot, slot + lanes).
template <class Real, class D>
HWY_INLINE void visit(D d, const ObservationTile& tile, const Slots& slots, size_t slot, Real least,
                      Progress<Real>& progress) {
  const size_t bands = tile.bands, lanes = hn::Lanes(d);
  Real before[kMostLanes], left[kMostLanes], running[kMostLanes], count[kMostLanes];
  bool any = false;
  for (size_t i = 0; i < lanes; ++i) {
    const size_t pixel = slots.pixel[slot + i];
    before[i] = progress.before[pixel];
    left[i] = static_cast<Real>(progress.left[pixel]);
    running[i] = slot + i < slots.count ? progress.running[pixel] : Real{0};
    count[i] = tile.count[pixel];
    any = any || running[i] != 0;
    for (size_t b = 0; b < bands; ++b)
      progress.y_of_lanes[b * kMostLanes + i] = progress.y[pixel * bands + b];
  }
  if (!any) return;
  Real* y = progress.y_of_lanes.data();
  Real* towards = progress.towards.data();
  Visited<D> v{hn::LoadU(d, before), hn::LoadU(d, left), hn::LoadU(d, count),
               hn::Gt(hn::LoadU(d, running), hn::Zero(d))};
  for (uint32_t i = 0; i < kIterationsPerVisit && !hn::AllFalse(d, v.running); ++i) {
    const auto pull = pull_on(d, slots.planes + slot, tile.stride, tile.rows, bands, y, towards);
    iterate(d, least, bands, pull, y, towards, v);
  }
  hn::StoreU(v.before, d, before);
  hn::StoreU(v.left, d, left);
  hn::StoreU(hn::IfThenElseZero(v.running, hn::Set(d, Real{1})), d, running);
  for (size_t i = 0; i < lanes && slot + i < slots.count; ++i) {
    const size_t pixel = slots.pixel[slot + i];
    progress.before[pixel] = before[i];
    progress.left[pixel] = static_cast<uint32_t>(left[i]);
    progress.running[pixel] = running[i];
    for (size_t b = 0; b < bands; ++b) progress.y[pixel * bands + b] = y[b * kMostLanes + i];
  }
}

// Moves the slots that are kept to the front of `moved`, which may be where they are.
HWY_INLINE void move_together(const ObservationTile& tile, const std::vector<float>& kept,
                              Slots& slots, AlignedFloats& moved) {
  const hn::CappedTag<float, kMostLanes> d;
  const size_t planes = tile.rows * (tile.bands + 1);
  size_t next = 0;
  for (size_t slot = 0; slot < slots.count; slot += hn::Lanes(d)) {
    const auto keeps = hn::Gt(hn::LoadU(d, kept.data() + slot), hn::Zero(d));
    if (hn::AllFalse(d, keeps)) continue;
    // A whole vector is written each time: what follows the kept ones is overwritten by the next.
    for (size_t plane = 0; plane < planes; ++plane)
      hn::CompressStore(hn::LoadU(d, slots.planes + plane * tile.stride + slot), keeps, d,
                        moved.data() + plane * tile.stride + next);
    next += hn::CountTrue(d, keeps);
  }
  next = 0;
  for (size_t slot = 0; slot < slots.count; ++slot)
    if (kept[slot] > 0) slots.pixel[next++] = slots.pixel[slot];
  slots.count = next;
  slots.planes = moved.data();
}

// Until no pixel of the tile is running.
template <class Real>
HWY_INLINE void iterate_all(const ObservationTile& tile, Real least, Progress<Real>& progress,
                            AlignedFloats& moved) {
  const hn::CappedTag<Real, kMostLanes> d;
  Slots slots{tile.planes.data(), tile.pixels, std::vector<uint32_t>(tile.pixels)};
  std::iota(slots.pixel.begin(), slots.pixel.end(), 0U);
  std::vector<float> kept(tile.pixels);
  while (true) {
    size_t running = 0;
    std::fill(kept.begin(), kept.end(), 0.0F);
    for (size_t slot = 0; slot < slots.count; ++slot) {
      kept[slot] = progress.running[slots.pixel[slot]] > 0 ? 1.0F : 0.0F;
      running += kept[slot] > 0 ? 1 : 0;
    }
    if (running == 0) return;
    // Moving costs about as much as an iteration.
    if (running * 4 <= slots.count * 3) move_together(tile, kept, slots, moved);
    for (size_t slot = 0; slot < slots.count; slot += hn::Lanes(d))
      visit(d, tile, slots, slot, least, progress);
  }
}

// The mean of the observations, in double.
HWY_INLINE void start_at_mean(const ObservationTile& tile, const GeomedianRule& rule,
                              Progress<float>& near) {
  const hn::CappedTag<double, kMostLanes> d;
  const hn::Rebind<float, decltype(d)> df;
  const size_t least_count = std::max<size_t>(rule.min_count, 1);
  float mean[kMostLanes];
  for (size_t p = 0; p < tile.pixels; ++p) {
    near.left[p] = rule.max_iterations;
    near.before[p] = std::numeric_limits<float>::infinity();
    near.running[p] = tile.count[p] >= least_count && rule.max_iterations > 1 ? 1.0F : 0.0F;
  }
  for (size_t first = 0; first < tile.pixels; first += hn::Lanes(d)) {
    double count[kMostLanes];
    for (size_t i = 0; i < hn::Lanes(d); ++i) count[i] = tile.count[first + i];
    for (size_t b = 0; b < tile.bands; ++b) {
      auto sum = hn::Zero(d);
      for (size_t t = 0; t < tile.rows; ++t)
        sum = hn::Add(sum, load_sample(d, tile.band(t, b) + first));
      hn::StoreU(hn::DemoteTo(df, hn::Div(sum, hn::LoadU(d, count))), df, mean);
      for (size_t i = 0; i < hn::Lanes(d); ++i) near.y[(first + i) * tile.bands + b] = mean[i];
    }
  }
}

HWY_INLINE void find_medians(const ObservationTile& tile, const GeomedianRule& rule,
                             GeomedianScratch& scratch) {
  start_at_mean(tile, rule, scratch.near);
  iterate_all<float>(tile, static_cast<float>(rule.eps * rule.eps), scratch.near, scratch.moved);
  auto& exact = scratch.exact;
  std::copy(scratch.near.y.begin(), scratch.near.y.end(), exact.y.begin());
  std::copy(scratch.near.left.begin(), scratch.near.left.end(), exact.left.begin());
  for (size_t p = 0; p < tile.pixels; ++p)
    exact.running[p] = tile.count[p] >= std::max<size_t>(rule.min_count, 1) ? 1 : 0;
  iterate_all<double>(tile, rule.eps * rule.eps, exact, scratch.moved);
}

// Of one row and a vector of pixels. NaN where there is none.
template <class D>
HWY_INLINE void write_distances(D d, const ObservationTile& tile, size_t row, size_t first,
                                const double* g, float* smad, float* emad, float* bcmad) {
  const hn::Rebind<float, D> df;
  const auto zero = hn::Zero(d), gap = load_sample(d, tile.gaps(row) + first);
  auto squares = zero, dot = zero, xx = zero, gg = zero, apart = zero, together = zero;
  for (size_t b = 0; b < tile.bands; ++b) {
    const auto p = load_sample(d, tile.band(row, b) + first);
    const auto q = hn::LoadU(d, g + b * kMostLanes);
    const auto difference = hn::Sub(p, q);
    squares = hn::Add(squares, square<D>(difference));
    dot = hn::Add(dot, hn::Mul(p, q));
    xx = hn::Add(xx, square<D>(p));
    gg = hn::Add(gg, square<D>(q));
    apart = hn::Add(apart, hn::Abs(difference));
    together = hn::Add(together, hn::Abs(hn::Add(p, q)));
  }
  const auto nan = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
  const auto norms = hn::Sqrt(hn::Mul(xx, gg));
  auto angle = hn::Sub(hn::Set(d, 1.0), hn::Div(dot, norms));
  angle = hn::IfThenElse(hn::Lt(angle, zero), zero, angle);
  angle = hn::IfThenElse(hn::Gt(norms, zero), angle, nan);
  const auto bray_curtis = hn::IfThenElse(hn::Gt(together, zero), hn::Div(apart, together), nan);
  hn::StoreU(hn::DemoteTo(df, hn::Add(gap, angle)), df, smad + first);
  const auto most = hn::Set(d, static_cast<double>(std::numeric_limits<float>::max()));
  hn::StoreU(hn::DemoteTo(df, hn::Add(gap, hn::Min(hn::Sqrt(squares), most))), df, emad + first);
  hn::StoreU(hn::DemoteTo(df, hn::Add(gap, bray_curtis)), df, bcmad + first);
}

HWY_INLINE void find_distances(const ObservationTile& tile, GeomedianScratch& scratch) {
  const hn::CappedTag<double, kMostLanes> d;
  const size_t size = tile.rows * tile.pixels;
  double* g = scratch.exact.y_of_lanes.data();
  for (size_t first = 0; first < tile.pixels; first += hn::Lanes(d)) {
    for (size_t i = 0; i < hn::Lanes(d); ++i)
      for (size_t b = 0; b < tile.bands; ++b)  // as it is written
        g[b * kMostLanes + i] = static_cast<float>(scratch.exact.y[(first + i) * tile.bands + b]);
    float* plane = scratch.distances.data();
    for (size_t row = 0; row < tile.rows; ++row, plane += tile.pixels)
      write_distances(d, tile, row, first, g, plane, plane + size, plane + 2 * size);
  }
}

void find_in_tile(std::span<const StoredBand> bands, size_t first, size_t pixels,
                  const GeomedianRule& rule, ObservationTile& tile, GeomedianScratch& scratch) {
  load_observations(bands, first, pixels, tile);
  find_medians(tile, rule, scratch);
  if (!scratch.distances.empty()) find_distances(tile, scratch);
}

}  // namespace
}  // namespace geoloom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace geoloom::kernels {
namespace {

HWY_EXPORT(find_in_tile);

// The median of the distances of one kind.
void write_deviation(const ObservationTile& tile, size_t kind, size_t first, size_t pixels,
                     const GeomedianRule& rule, GeomedianScratch& scratch,
                     const DeviationOutput& out) {
  if (out.value == nullptr) return;
  const size_t size = tile.rows * tile.pixels;
  const float* distances = scratch.distances.data() + kind * size;
  for (size_t i = 0; i < size; ++i)
    scratch.has_distance[i] = distances[i] == distances[i] ? 1 : 0;  // not so for NaN
  float value[ObservationTile::kMaxTilePixels];
  uint8_t valid[ObservationTile::kMaxTilePixels];
  median_mean(Samples<float>{distances, tile.pixels, tile.rows},
              Validity{scratch.has_distance.data(), tile.pixels}, tile.pixels, 1, value, valid);
  for (size_t i = 0; i < pixels; ++i) {
    const bool has = valid[i] != 0 && tile.count[i] >= rule.min_count;
    out.value[first + i] = has ? value[i] : 0.0F;
    out.valid[first + i] = has ? 1 : 0;
  }
}

template <class Out>
void write_tile(const ObservationTile& tile, size_t first, size_t pixels, const GeomedianRule& rule,
                GeomedianScratch& scratch, const GeomedianOutput<Out>& out) {
  const size_t bands = tile.bands;
  for (size_t i = 0; i < pixels; ++i) {
    const bool valid = tile.count[i] >= std::max<size_t>(rule.min_count, 1);
    out.valid[first + i] = valid ? 1 : 0;
    if (out.count != nullptr) out.count[first + i] = tile.count[i];
    for (size_t b = 0; b < bands; ++b)
      out.median[b][first + i] = valid ? static_cast<Out>(scratch.exact.y[i * bands + b]) : Out{0};
  }
  write_deviation(tile, 0, first, pixels, rule, scratch, out.smad);
  write_deviation(tile, 1, first, pixels, rule, scratch, out.emad);
  write_deviation(tile, 2, first, pixels, rule, scratch, out.bcmad);
}

}  // namespace

template <class Out>
void geometric_median(std::span<const StoredBand> bands, size_t pixels, const GeomedianRule& rule,
                      const GeomedianOutput<Out>& out) {
  check_bands(bands);
  if (!(rule.eps > 0) || rule.max_iterations == 0)
    throw std::invalid_argument("geomedian: eps and max_iterations are above 0");
  const size_t slices = slices_of(bands);
  ObservationTile tile(slices, bands.size());
  GeomedianScratch scratch(tile, slices, out.with_deviations());
  for (size_t first = 0; first < pixels; first += tile.pixels) {
    const size_t count = std::min(tile.pixels, pixels - first);
    HWY_DYNAMIC_DISPATCH(find_in_tile)(bands, first, count, rule, tile, scratch);
    write_tile(tile, first, count, rule, scratch, out);
  }
}

template void geometric_median<float>(std::span<const StoredBand>, size_t, const GeomedianRule&,
                                      const GeomedianOutput<float>&);
template void geometric_median<double>(std::span<const StoredBand>, size_t, const GeomedianRule&,
                                       const GeomedianOutput<double>&);

}  // namespace geoloom::kernels
#endif  // HWY_ONCE
