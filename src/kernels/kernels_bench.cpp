// SPDX-License-Identifier: Apache-2.0
// Times every kernel along time: each type, length of series and CPU target, on samples that do not
// fit a cache, and the machine's own speed of reading and copying memory beside them.
//   kernels_bench FOLDER [SLICES]...
// Writes FOLDER/timings.json, and for benchmarks/kernels/compare.py the first pixels of the samples
// and of the answers: FOLDER/<what>.bin, raw.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/accumulate.h"
#include "kernels/median_rgb.h"
#include "kernels/rank.h"
#include "kernels/reject.h"
#include "kernels/target.h"

namespace gk = geoloom::kernels;

namespace {

const std::vector<size_t> kSlices{16, 64, 216, 500};  // unless others are asked for
constexpr size_t kExported = 8192;   // pixels whose answers are compared with NumPy's
constexpr size_t kFewest = 1 << 16;  // pixels that are timed
constexpr double kQuantile = 0.25;

// The same numbers on every machine (splitmix64).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

double seconds_now() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Least CPU seconds of several calls.
double least_seconds(const std::function<void()>& call) {
  double best = 1e9, spent = 0;
  for (int round = 0; round < 5 && (round < 2 || spent < 0.15); ++round) {
    const double begin = seconds_now();
    call();
    best = std::min(best, seconds_now() - begin);
    spent += seconds_now() - begin;
  }
  return best;
}

template <class T>
T sample_of(uint64_t bits);
// Sums of draws: most samples lie in the middle, and there are ties.
template <>
uint8_t sample_of(uint64_t bits) {
  return static_cast<uint8_t>(((bits & 127) + (bits >> 8 & 127)) + (bits >> 16 & 1));
}
template <>
uint16_t sample_of(uint64_t bits) {
  return static_cast<uint16_t>((bits & 4095) + (bits >> 12 & 4095));
}
template <>
int16_t sample_of(uint64_t bits) {
  return static_cast<int16_t>((bits & 8191) - (bits >> 13 & 8191));
}
template <>
float sample_of(uint64_t bits) {
  return static_cast<float>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF)) / 100000.0F - 0.1F;
}

template <class T>
struct Series {
  size_t slices, pixels, stride;
  std::vector<T> data;
  std::vector<uint8_t> valid;  // a third is not, or none

  Series(size_t slice_count, size_t pixel_count, bool holes)
      : slices(slice_count),
        pixels(pixel_count),
        // A power of two would put all slices into the same few cache sets.
        stride(pixel_count + 2112),
        data(slice_count * stride),
        valid(slice_count * stride) {
    Numbers numbers(slices * 10 + sizeof(T));
    for (size_t i = 0; i < data.size(); ++i) {
      const uint64_t bits = numbers.next();
      data[i] = sample_of<T>(bits);
      valid[i] = !holes || (bits >> 40) % 3 != 0 ? 1 : 0;
    }
  }
  gk::Samples<T> samples() const { return {data.data(), stride, slices}; }
  gk::Validity validity() const { return {valid.data(), stride}; }
};

class Bench {
 public:
  explicit Bench(const std::string& folder) : folder_(folder) {}

  void memory();
  void median_rgb(size_t slices);
  template <class T>
  void type(const char* name, size_t slices);
  void write_timings() const;

 private:
  template <class Out>
  void time(const std::string& kernel, const std::string& type, size_t slices, size_t sample_bytes,
            size_t pixels, std::vector<Out>& out, const std::function<void(size_t)>& call);
  template <class T>
  void save(const std::string& name, const T* rows, size_t stride, size_t count) const;
  template <class T>
  void all_kernels(const char* name, const Series<T>& series, const std::string& suffix);

  std::string folder_;
  std::string timings_, memory_;
};

void Bench::memory() {
  const size_t bytes = size_t{256} << 20;
  std::vector<uint64_t> from(bytes / 8, 1), to(bytes / 8, 2);
  volatile uint64_t sink = 0;
  const double reading = least_seconds([&] {
    uint64_t sums[8] = {};
    for (size_t i = 0; i < from.size(); i += 8) {
      for (size_t lane = 0; lane < 8; ++lane) sums[lane] ^= from[i + lane];
    }
    for (const uint64_t sum : sums) sink = sink ^ sum;
  });
  const double copying = least_seconds([&] {
    std::memcpy(to.data(), from.data(), bytes);
    sink = sink ^ to[bytes / 16];
  });
  const double gigabytes = static_cast<double>(bytes) / 1e9;
  char text[128];
  std::snprintf(text, sizeof text, "{\"read_gb_per_s\": %.2f, \"copy_gb_per_s\": %.2f}",
                gigabytes / reading, gigabytes / copying);
  memory_ = text;
}

// Rows of the first pixels, one after the other.
template <class T>
void Bench::save(const std::string& name, const T* rows, size_t stride, size_t count) const {
  std::ofstream file(folder_ + "/" + name + ".bin", std::ios::binary);
  for (size_t row = 0; row < count; ++row)
    file.write(reinterpret_cast<const char*>(rows + row * stride), kExported * sizeof(T));
  if (!file.flush()) throw std::runtime_error("cannot write " + folder_ + "/" + name + ".bin");
}

template <class Out>
void Bench::time(const std::string& kernel, const std::string& type, size_t slices,
                 size_t sample_bytes, size_t pixels, std::vector<Out>& out,
                 const std::function<void(size_t)>& call) {
  std::vector<Out> expected;
  for (const auto target : gk::supported_targets()) {
    if (target == "SSSE3") continue;  // the code of SSE4, but for a few instructions
    gk::force_target(target);
    const size_t timed = target == "SCALAR" ? kExported : pixels;
    const double seconds = least_seconds([&] { call(timed); });
    if (expected.empty()) expected.assign(out.begin(), out.begin() + kExported);
    if (std::memcmp(expected.data(), out.data(), kExported * sizeof(Out)) != 0)
      throw std::runtime_error(kernel + " of " + type + " on " + std::string(target) +
                               " is not what other targets give");
    char text[256];
    std::snprintf(text, sizeof text,
                  "%s{\"kernel\": \"%s\", \"type\": \"%s\", \"slices\": %zu, \"target\": \"%s\", "
                  "\"ns_per_pixel\": %.3f, \"bytes_per_pixel\": %zu}",
                  timings_.empty() ? "" : ",\n  ", kernel.c_str(), type.c_str(), slices,
                  std::string(target).c_str(), seconds / static_cast<double>(timed) * 1e9,
                  slices * sample_bytes);
    timings_ += text;
  }
  gk::reset_target();
  save(kernel + "_" + type + "_" + std::to_string(slices), expected.data(), 0, 1);
}

template <class T>
void Bench::all_kernels(const char* name, const Series<T>& series, const std::string& suffix) {
  const size_t n = series.pixels, slices = series.slices;
  const auto x = series.samples();
  const auto v = series.validity();
  std::vector<T> kept(n);
  std::vector<float> mixed(n);
  std::vector<uint8_t> ok(n);
  std::vector<double> sum(n);
  std::vector<uint32_t> count(n);
  const auto run = [&](const std::string& kernel, auto& out, const std::function<void(size_t)>& f) {
    time(kernel + suffix, name, slices, sizeof(T) + 1, n, out, f);
  };
  run("median", mixed, [&](size_t p) { gk::median_mean(x, v, p, 1, mixed.data(), ok.data()); });
  run("median_lower", kept,
      [&](size_t p) { gk::median_lower(x, v, p, 1, kept.data(), ok.data()); });
  run("quantile", mixed,
      [&](size_t p) { gk::quantile_linear(x, v, p, kQuantile, 1, mixed.data(), ok.data()); });
  run("min", kept, [&](size_t p) {
    std::fill_n(count.begin(), p, 0);
    gk::accumulate_min(x, v, p, kept.data(), count.data());
  });
  run("max", kept, [&](size_t p) {
    std::fill_n(count.begin(), p, 0);
    gk::accumulate_max(x, v, p, kept.data(), count.data());
  });
  run("mean", mixed, [&](size_t p) {
    std::fill_n(count.begin(), p, 0);
    std::fill_n(sum.begin(), p, 0.0);
    gk::accumulate_sum(x, v, p, sum.data(), count.data());
    gk::finish_mean(sum.data(), count.data(), p, 1, mixed.data(), ok.data());
  });
}

template <class T>
void Bench::type(const char* name, size_t slices) {
  // So many that they do not fit the caches.
  const size_t pixels = std::max(kFewest, (size_t{64} << 20) / (slices * (sizeof(T) + 1)));
  const std::string id = std::string(name) + "_" + std::to_string(slices);
  for (const bool holes : {false, true}) {
    const Series<T> series(slices, pixels, holes);
    if (!holes) save("samples_" + id, series.data.data(), series.stride, slices);
    if (holes) save("valid_" + id, series.valid.data(), series.stride, slices);
    all_kernels(name, series, holes ? "_of_valid" : "");
    if (!holes || sizeof(T) > 1) continue;
    std::vector<uint32_t> count(pixels);
    time("count", name, slices, 1, pixels, count, [&](size_t p) {
      std::fill_n(count.begin(), p, 0);
      gk::accumulate_count(series.validity(), slices, p, count.data());
    });
  }
}

void Bench::median_rgb(size_t slices) {
  const size_t pixels = std::max(kFewest, (size_t{64} << 20) / (slices * 4));
  const Series<uint8_t> all(3 * slices, pixels, false);
  std::vector<uint8_t> valid(slices * all.stride, 1), out(pixels), rest[3];
  for (auto& plane : rest) plane.resize(pixels);
  const uint8_t rejected[] = {0, 255};
  gk::Samples<uint8_t> bands[3];
  for (size_t b = 0; b < 3; ++b) {
    bands[b] = {all.data.data() + b * slices * all.stride, all.stride, slices};
    save("band" + std::to_string(b) + "_" + std::to_string(slices), bands[b].data, all.stride,
         slices);
  }
  const uint8_t* planes[] = {bands[0].data, bands[1].data, bands[2].data};
  gk::reject_any_band_in(planes, 3, rejected, 2, valid.size(), valid.data());
  time("median_rgb", "uint8", slices, 4, pixels, out, [&](size_t p) {
    gk::median_rgb(bands[0], bands[1], bands[2], {valid.data(), all.stride}, p, out.data(),
                   rest[0].data(), rest[1].data(), rest[2].data());
  });
}

void Bench::write_timings() const {
  std::ofstream file(folder_ + "/timings.json");
  file << "{\"memory\": " << memory_ << ",\n \"exported_pixels\": " << kExported
       << ", \"quantile\": " << kQuantile << ",\n \"timings\": [\n  " << timings_ << "]}\n";
  if (!file.flush()) throw std::runtime_error("cannot write " + folder_ + "/timings.json");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "kernels_bench FOLDER [SLICES]...\n");
    return 2;
  }
  try {
    Bench bench(argv[1]);
    bench.memory();
    std::vector<size_t> asked;
    for (int i = 2; i < argc; ++i) asked.push_back(std::stoul(argv[i]));
    for (const size_t slices : asked.empty() ? kSlices : asked) {
      bench.median_rgb(slices);
      bench.type<uint8_t>("uint8", slices);
      bench.type<uint16_t>("uint16", slices);
      bench.type<int16_t>("int16", slices);
      bench.type<float>("float32", slices);
    }
    bench.write_timings();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kernels_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
