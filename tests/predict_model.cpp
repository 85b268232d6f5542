// SPDX-License-Identifier: Apache-2.0
// Predicts with a model file, for comparisons with the libraries that wrote it and for benchmarks:
//
//   predict_model MODEL ROWS.bin FEATURES RESULTS.bin SUMS.bin CLASSES.bin [REPEATS]
//
// ROWS are float32, row by row; RESULTS float32 and SUMS float64 come row by row, CLASSES as
// uint16. Prints nanoseconds of CPU per row, the best of the repeats.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "error/error.h"
#include "kernels/target.h"
#include "learn/model_formats.h"
#include "learn/tree_predictor.h"

namespace {

using namespace geoloom;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::missing, "there is no such file").at({.file = path});
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

template <class T>
std::vector<T> by_row(const std::vector<T>& planes, size_t rows) {
  const size_t width = planes.size() / std::max<size_t>(rows, 1);
  std::vector<T> result(planes.size());
  for (size_t i = 0; i < width; ++i)
    for (size_t r = 0; r < rows; ++r) result[r * width + i] = planes[i * rows + r];
  return result;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void run(const std::vector<std::string>& arguments) {
  const learn::TreePredictor predictor(learn::read_tree_model(bytes_of(arguments[0]), arguments[0]),
                                       arguments[0]);
  const size_t features = std::stoul(arguments[2]);
  const auto bytes = bytes_of(arguments[1]);
  const auto* const values = reinterpret_cast<const float*>(bytes.data());
  const size_t rows = bytes.size() / sizeof(float) / features;
  std::vector<std::vector<float>> planes(features, std::vector<float>(rows));
  std::vector<const float*> pointers;
  for (size_t f = 0; f < features; ++f) {
    for (size_t r = 0; r < rows; ++r) planes[f][r] = values[r * features + f];
    pointers.push_back(planes[f].data());
  }
  const auto& ensemble = predictor.ensemble();
  std::vector<float> results(rows * ensemble.result_width());
  std::vector<double> sums(rows * ensemble.outputs);
  std::vector<uint16_t> best(rows);
  learn::PredictorScratch scratch;
  const bool classifies = ensemble.task == learn::Task::classification;
  const int repeats = arguments.size() > 6 ? std::stoi(arguments[6]) : 1;
  double least = 1e300;
  for (int i = 0; i < repeats; ++i) {
    const double start = cpu_seconds();
    predictor.predict(pointers, rows,
                      {.results = results.data(),
                       .best_class = classifies ? best.data() : nullptr,
                       .sums = sums.data(),
                       .stride = rows},
                      scratch);
    least = std::min(least, cpu_seconds() - start);
  }
  write(arguments[3], by_row(results, rows));
  write(arguments[4], by_row(sums, rows));
  write(arguments[5], best);
  fmt::print("{{\"ns_per_row\": {:.1f}, \"rows\": {}, \"model_bytes\": {}, \"target\": \"{}\"}}\n",
             least * 1e9 / static_cast<double>(std::max<size_t>(rows, 1)), rows,
             predictor.memory_bytes(), kernels::chosen_target());
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  if (arguments.size() < 6) {
    fmt::print(
        stderr,
        "predict_model MODEL ROWS.bin FEATURES RESULTS.bin SUMS.bin CLASSES.bin [REPEATS]\n");
    return 2;
  }
  try {
    kernels::force_target_from_environment();
    run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
