// SPDX-License-Identifier: Apache-2.0
// A histogram of the neighbourhood slides along each row: at each step a pixel enters and one
// leaves in every row of it. Classes are numbered densely first, so the histogram is short.
#include "kernels/majority.h"

#include <algorithm>
#include <map>
#include <type_traits>
#include <vector>

namespace geoloom::kernels {
namespace {

constexpr uint16_t kNoClass = 0xffff;

// Which values occur, rising, and the place of each in that list.
template <class T>
struct Classes {
  std::vector<T> values;
  std::vector<uint16_t> numbers;  // of each pixel; kNoClass where it is invalid

  Classes(const T* pixels, const uint8_t* valid, size_t count) : numbers(count, kNoClass) {
    using Bits = std::make_unsigned_t<T>;
    std::vector<uint32_t> number_of(size_t{1} << (8 * sizeof(T)), 0);
    for (size_t i = 0; i < count; ++i)
      if (valid[i] != 0) number_of[static_cast<Bits>(pixels[i])] = 1;
    for (size_t bits = 0; bits < number_of.size(); ++bits)
      if (number_of[bits] != 0) values.push_back(static_cast<T>(static_cast<Bits>(bits)));
    std::sort(values.begin(), values.end());
    for (size_t k = 0; k < values.size(); ++k)
      number_of[static_cast<Bits>(values[k])] = static_cast<uint32_t>(k);
    for (size_t i = 0; i < count; ++i)
      if (valid[i] != 0)
        numbers[i] = static_cast<uint16_t>(number_of[static_cast<Bits>(pixels[i])]);
  }
};

class Histogram {
 public:
  explicit Histogram(size_t classes) : counts_(classes) {}
  void clear() { std::fill(counts_.begin(), counts_.end(), 0); }
  void enter(uint16_t number) {
    if (number != kNoClass) ++counts_[number];
  }
  void leave(uint16_t number) {
    if (number != kNoClass) --counts_[number];
  }
  // kNoClass where nothing counts.
  uint16_t most_frequent(uint16_t own) const {
    const auto most = std::max_element(counts_.begin(), counts_.end());
    if (most == counts_.end() || *most == 0) return kNoClass;
    if (own != kNoClass && counts_[own] == *most) return own;
    return static_cast<uint16_t>(most - counts_.begin());
  }

 private:
  std::vector<uint32_t> counts_;
};

}  // namespace

template <class T>
void majority(const T* values, const uint8_t* valid, size_t width, size_t height, const Disk& disk,
              bool fill, T* result, uint8_t* result_valid) {
  const auto reach_x = static_cast<size_t>(disk.reach_x());
  const auto reach_y = static_cast<size_t>(disk.reach_y());
  const size_t stride = width + 2 * reach_x;
  const Classes<T> classes(values, valid, stride * (height + 2 * reach_y));
  Histogram histogram(classes.values.size());
  const auto half = [&](size_t row) {
    return static_cast<size_t>(disk.half_widths[row > reach_y ? row - reach_y : reach_y - row]);
  };
  for (size_t y = 0; y < height; ++y) {
    const uint16_t* const top = classes.numbers.data() + y * stride + reach_x;
    histogram.clear();
    for (size_t row = 0; row <= 2 * reach_y; ++row)
      for (const uint16_t* at = top + row * stride - half(row); at < top + row * stride + half(row);
           ++at)
        histogram.enter(*at);
    for (size_t x = 0; x < width; ++x) {
      for (size_t row = 0; row <= 2 * reach_y; ++row)
        histogram.enter(top[row * stride + x + half(row)]);
      const uint16_t own = top[reach_y * stride + x];
      const uint16_t found = own == kNoClass && !fill ? kNoClass : histogram.most_frequent(own);
      result_valid[y * width + x] = found != kNoClass;
      result[y * width + x] = found != kNoClass ? classes.values[found] : T{0};
      for (size_t row = 0; row <= 2 * reach_y; ++row)
        histogram.leave(*(top + row * stride + x - half(row)));
    }
  }
}

template <class T>
void reference::majority(const T* values, const uint8_t* valid, size_t width, size_t height,
                         const Disk& disk, bool fill, T* result, uint8_t* result_valid) {
  const int64_t rim_x = disk.reach_x(), rim_y = disk.reach_y();
  const int64_t stride = static_cast<int64_t>(width) + 2 * rim_x;
  for (size_t i = 0; i < width * height; ++i) {
    const int64_t centre = (static_cast<int64_t>(i / width) + rim_y) * stride +
                           static_cast<int64_t>(i % width) + rim_x;
    std::map<T, int> counts;
    for (int64_t dy = -rim_y; dy <= rim_y; ++dy) {
      const int64_t half = disk.half_widths[static_cast<size_t>(dy < 0 ? -dy : dy)];
      for (int64_t at = centre + dy * stride - half; at <= centre + dy * stride + half; ++at)
        if (valid[at] != 0) ++counts[values[at]];
    }
    result[i] = 0;
    result_valid[i] = !counts.empty() && (fill || valid[centre] != 0);
    if (result_valid[i] == 0) continue;
    result[i] = counts.begin()->first;
    for (const auto& [value, count] : counts)
      if (count > counts[result[i]]) result[i] = value;
    if (valid[centre] != 0 && counts[values[centre]] == counts[result[i]])
      result[i] = values[centre];
  }
}

#define INSTANTIATE(T)                                                                        \
  template void majority<T>(const T*, const uint8_t*, size_t, size_t, const Disk&, bool, T*,  \
                            uint8_t*);                                                        \
  template void reference::majority<T>(const T*, const uint8_t*, size_t, size_t, const Disk&, \
                                       bool, T*, uint8_t*);
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
#undef INSTANTIATE

}  // namespace geoloom::kernels
