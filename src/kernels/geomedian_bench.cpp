// SPDX-License-Identifier: Apache-2.0
// Times the geometric median and its deviations on a series that benchmarks/geomedian/compare.py
// has written:
//   geomedian_bench FOLDER BANDS SLICES PIXELS EPS TARGET ROUNDS
// FOLDER/series.bin: float32 [band][slice][pixel], NaN where there is no observation. Writes
// FOLDER/geoloom.bin, float32 [bands + 3][pixel], and prints CPU seconds of each round: of the
// median alone, and with smad, emad and bcmad. TARGET `best` is what the CPU can do.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/geomedian.h"
#include "kernels/target.h"

namespace gk = geoloom::kernels;

namespace {

double seconds_now() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Job {
  std::string folder;
  size_t bands, slices, pixels;
  double eps;
};

std::vector<float> read_series(const Job& job) {
  std::vector<float> values(job.bands * job.slices * job.pixels);
  std::ifstream file(job.folder + "/series.bin", std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(values.data()), bytes))
    throw std::runtime_error("series.bin is too short");
  return values;
}

double run(const Job& job, const std::vector<gk::StoredBand>& bands, bool deviations,
           std::vector<float>& out) {
  std::vector<uint8_t> valid(4 * job.pixels);
  gk::GeomedianOutput<float> output;
  for (size_t b = 0; b < job.bands; ++b) output.median.push_back(out.data() + b * job.pixels);
  output.valid = valid.data();
  const auto deviation = [&](size_t i) -> gk::DeviationOutput {
    if (!deviations) return {};
    return {out.data() + (job.bands + i) * job.pixels, valid.data() + (i + 1) * job.pixels};
  };
  output.smad = deviation(0);
  output.emad = deviation(1);
  output.bcmad = deviation(2);
  const double begin = seconds_now();
  gk::geometric_median<float>(bands, job.pixels, {job.eps, 10000, 1}, output);
  return seconds_now() - begin;
}

void measure(const Job& job, int rounds) {
  const auto values = read_series(job);
  std::vector<uint8_t> valid(job.slices * job.pixels);
  for (size_t i = 0; i < valid.size(); ++i) valid[i] = values[i] == values[i] ? 1 : 0;
  std::vector<gk::StoredBand> bands;
  for (size_t b = 0; b < job.bands; ++b)
    bands.push_back(
        {gk::Samples<float>{values.data() + b * job.slices * job.pixels, job.pixels, job.slices},
         {valid.data(), job.pixels}});
  std::vector<float> out((job.bands + 3) * job.pixels);
  for (int i = 0; i < rounds; ++i) {
    const double median = run(job, bands, false, out);
    std::printf("%.6f %.6f\n", median, run(job, bands, true, out));
  }
  std::ofstream file(job.folder + "/geoloom.bin", std::ios::binary);
  file.write(reinterpret_cast<const char*>(out.data()),
             static_cast<std::streamsize>(out.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error("cannot write geoloom.bin");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "geomedian_bench FOLDER BANDS SLICES PIXELS EPS TARGET ROUNDS\n");
    return 2;
  }
  try {
    if (std::string(argv[6]) != "best") gk::force_target(argv[6]);
    measure({argv[1], std::stoul(argv[2]), std::stoul(argv[3]), std::stoul(argv[4]),
             std::stod(argv[5])},
            std::stoi(argv[7]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "geomedian_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
