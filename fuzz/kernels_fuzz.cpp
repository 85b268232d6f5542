// SPDX-License-Identifier: Apache-2.0
// Runs every kernel on every CPU target and on the scalar reference with the same input, and aborts
// when a byte differs. The first bytes of the input choose the shape, the rest are pixels, read
// over and over. Deterministic; works as a libFuzzer target and from any driver that calls
// LLVMFuzzerTestOneInput.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/accumulate.h"
#include "kernels/deviation.h"
#include "kernels/median_rgb.h"
#include "kernels/rank.h"
#include "kernels/reject.h"
#include "kernels/target.h"

namespace gk = geoloom::kernels;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMostSamples = 20'000;  // of a series

struct Input {
  const uint8_t* data;
  size_t size;
  size_t at = 0;

  uint8_t next() { return size == 0 ? uint8_t{0} : data[at++ % size]; }
};

template <class T>
struct Series {
  size_t slices, pixels;
  std::vector<T> data;
  Bytes valid;

  Series(Input& input, size_t slice_count, size_t pixel_count)
      : slices(slice_count),
        pixels(pixel_count),
        data(slice_count * pixel_count),
        valid(slice_count * pixel_count) {
    for (size_t i = 0; i < data.size(); ++i) {
      uint8_t raw[sizeof(T)];
      for (auto& byte : raw) byte = input.next();
      std::memcpy(&data[i], raw, sizeof(T));
      // The loader's promise: NaN is not valid.
      valid[i] = data[i] == data[i] ? input.next() & 3 : 0;
    }
  }
  gk::Samples<T> samples() const { return {data.data(), pixels, slices}; }
  gk::Validity validity() const { return {valid.data(), pixels}; }
};

// Collects whatever kernels write, as bytes.
struct Outputs {
  Bytes bytes;

  template <class T>
  void add(const std::vector<T>& values) {
    const size_t begin = bytes.size();
    bytes.resize(begin + values.size() * sizeof(T));
    if (!values.empty())
      std::memcpy(bytes.data() + begin, values.data(), values.size() * sizeof(T));
  }
};

// The same calls on the kernels and on their references, by namespace alias.
#define RUN_ALL(kernels)                                                                         \
  template <class T>                                                                             \
  void rank(const Series<T>& s, size_t min_count, double q, Outputs& all) {                      \
    std::vector<T> out(s.pixels);                                                                \
    std::vector<float> mixed(s.pixels);                                                          \
    Bytes ok(s.pixels);                                                                          \
    const auto keep = [&](const auto& values) {                                                  \
      all.add(values);                                                                           \
      all.add(ok);                                                                               \
    };                                                                                           \
    const auto x = s.samples();                                                                  \
    const auto v = s.validity();                                                                 \
    const size_t n = s.pixels;                                                                   \
    kernels::median_lower<T>(x, v, n, min_count, out.data(), ok.data()), keep(out);              \
    kernels::median_upper<T>(x, v, n, min_count, out.data(), ok.data()), keep(out);              \
    kernels::median_mean<T>(x, v, n, min_count, mixed.data(), ok.data()), keep(mixed);           \
    kernels::quantile_nearest<T>(x, v, n, q, min_count, out.data(), ok.data()), keep(out);       \
    kernels::quantile_linear<T>(x, v, n, q, min_count, mixed.data(), ok.data()), keep(mixed);    \
  }                                                                                              \
  template <class T>                                                                             \
  void accumulate(const Series<T>& s, Outputs& all) {                                            \
    const auto x = s.samples();                                                                  \
    const auto v = s.validity();                                                                 \
    std::vector<T> kept(s.pixels), out(s.pixels);                                                \
    std::vector<uint32_t> count(s.pixels), counts(s.pixels);                                     \
    std::vector<double> sum(s.pixels);                                                           \
    std::vector<float> mean(s.pixels);                                                           \
    Bytes ok(s.pixels);                                                                          \
    for (const auto kernel : {kernels::accumulate_min<T>, kernels::accumulate_max<T>,            \
                              kernels::accumulate_first<T>, kernels::accumulate_last<T>}) {      \
      kept.assign(s.pixels, T{0}), count.assign(s.pixels, 0);                                    \
      const size_t half = s.slices / 2; /* in two batches */                                     \
      kernel({x.data, s.pixels, half}, v, s.pixels, kept.data(), count.data());                  \
      kernel({x.data + half * s.pixels, s.pixels, s.slices - half},                              \
             {v.data + half * s.pixels, s.pixels}, s.pixels, kept.data(), count.data());         \
      all.add(kept), all.add(count);                                                             \
    }                                                                                            \
    kernels::accumulate_sum<T>(x, v, s.pixels, sum.data(), counts.data());                       \
    gk::finish_mean(sum.data(), counts.data(), s.pixels, 1, mean.data(), ok.data());             \
    all.add(mean), all.add(counts), all.add(ok);                                                 \
    std::vector<double> squares(s.pixels);                                                       \
    sum.assign(s.pixels, 0), counts.assign(s.pixels, 0);                                         \
    kernels::accumulate_deviation<T>(x, v, s.pixels, sum.data(), squares.data(), counts.data()); \
    for (const auto dispersion :                                                                 \
         {gk::Dispersion::population_deviation, gk::Dispersion::sample_variance}) {              \
      gk::finish_deviation(squares.data(), counts.data(), s.pixels, 1, dispersion, mean.data(),  \
                           ok.data());                                                           \
      all.add(mean), all.add(counts), all.add(ok);                                               \
    }                                                                                            \
    kernels::accumulate_count(v, s.slices, s.pixels, counts.data());                             \
    all.add(counts);                                                                             \
  }                                                                                              \
  template <class T>                                                                             \
  void reject(const Series<T>& s, Outputs& all) {                                                \
    if (s.slices == 0) return;                                                                   \
    const T* bands[] = {s.data.data(), s.data.data() + (s.slices - 1) * s.pixels};               \
    const T values[] = {s.data[0], T{0}};                                                        \
    Bytes a = s.valid, b = s.valid, c = s.valid;                                                 \
    kernels::reject_any_band_in<T>(bands, 2, values, 2, s.pixels, a.data());                     \
    kernels::apply_class_mask<T>(bands[1], s.pixels, values, 2, s.slices % 2 == 0, b.data());    \
    kernels::invalidate_value<T>(bands[1], values[0], s.pixels, c.data());                       \
    all.add(a), all.add(b), all.add(c);                                                          \
  }                                                                                              \
  void rgb(const Series<uint8_t>* s, Outputs& all) {                                             \
    const size_t n = s[0].pixels;                                                                \
    Bytes red(n), green(n), blue(n), ok(n);                                                      \
    kernels::median_rgb(s[0].samples(), s[1].samples(), s[2].samples(), s[0].validity(), n,      \
                        red.data(), green.data(), blue.data(), ok.data());                       \
    all.add(red), all.add(green), all.add(blue), all.add(ok);                                    \
  }

struct Plain {
  RUN_ALL(gk::reference)
};
struct Vectorised {
  RUN_ALL(gk)
};
#undef RUN_ALL

template <class Kernels>
Bytes run(const uint8_t* data, size_t size) {
  Input input{data, size};
  // Series longer than a byte counts, and images of several strips and, now and then, tiles.
  const size_t slices = input.next() + (input.next() & 1u) * 256u;
  const size_t strips = input.next() % 64u == 0 && slices < 16 ? 18u : 0u;
  // No more samples than take a second or two: ranks are compiled without optimisation here.
  const size_t most = std::max<size_t>(20, kMostSamples / std::max<size_t>(1, slices));
  const size_t pixels = std::min(input.next() + 1u + strips * 64u, most);
  const size_t min_count = input.next() & 7u;
  const double q = input.next() / 255.0;
  Outputs all;
  Kernels kernels;
  const auto each = [&](const auto& series) {
    kernels.rank(series, min_count, q, all);
    kernels.accumulate(series, all);
    kernels.reject(series, all);
  };
  const Series<uint8_t> rgb[] = {
      {input, slices, pixels}, {input, slices, pixels}, {input, slices, pixels}};
  kernels.rgb(rgb, all);
  each(rgb[0]);
  each(Series<uint16_t>(input, slices, pixels));
  each(Series<int16_t>(input, slices, pixels));
  each(Series<float>(input, slices, pixels));
  return all.bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes expected = run<Plain>(data, size);
  for (const auto name : gk::supported_targets()) {
    gk::force_target(name);
    if (run<Vectorised>(data, size) == expected) continue;
    std::fprintf(stderr, "%s differs from the reference\n", std::string(name).c_str());
    std::abort();
  }
  gk::reset_target();
  return 0;
}
