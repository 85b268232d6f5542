// SPDX-License-Identifier: Apache-2.0
// Pixels of an area form a tree in the plane of labels itself: each points to an earlier pixel of
// its area, the first one to itself. Joining two trees hangs the later root under the earlier one,
// so a second pass in the same order finds each pixel's label where it points to.
#include "kernels/components.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

constexpr uint32_t kInvalid = std::numeric_limits<uint32_t>::max();

uint32_t root_of(uint32_t* parents, uint32_t at) {
  while (parents[at] != at) {
    parents[at] = parents[parents[at]];
    at = parents[at];
  }
  return at;
}

// Gives the root of both.
uint32_t joined(uint32_t* parents, uint32_t a, uint32_t b) {
  a = root_of(parents, a);
  b = root_of(parents, b);
  if (a == b) return a;
  const auto [first, later] = std::minmax(a, b);
  parents[later] = first;
  return first;
}

// One row of the trees. `left_of_row` etc. are not looked at outside of the image.
template <class T>
void link_row(const T* values, const uint8_t* valid, size_t width, size_t y,
              Connectivity connectivity, uint32_t* parents) {
  const bool has_above = y > 0, corners = connectivity == Connectivity::corners;
  for (size_t x = 0; x < width; ++x) {
    const size_t at = y * width + x;
    if (valid != nullptr && valid[at] == 0) {
      parents[at] = kInvalid;
      continue;
    }
    auto tree = static_cast<uint32_t>(at);
    parents[at] = tree;
    const auto meet = [&](size_t other) {
      if (values[other] == values[at] && parents[other] != kInvalid)
        tree = joined(parents, tree, static_cast<uint32_t>(other));
    };
    if (x > 0) meet(at - 1);
    if (has_above) {
      meet(at - width);
      if (corners && x > 0) meet(at - width - 1);
      if (corners && x + 1 < width) meet(at - width + 1);
    }
    if (tree != at) parents[at] = tree;
  }
}

}  // namespace

template <class T>
uint32_t label_components(const T* values, const uint8_t* valid, size_t width, size_t height,
                          Connectivity connectivity, uint32_t* labels) {
  const size_t pixels = width * height;
  if (pixels >= kInvalid) throw std::invalid_argument("label_components: too many pixels");
  for (size_t y = 0; y < height; ++y) link_row(values, valid, width, y, connectivity, labels);
  uint32_t count = 0;
  for (size_t at = 0; at < pixels; ++at) {
    if (labels[at] == kInvalid)
      labels[at] = 0;
    else
      labels[at] = labels[at] == at ? ++count : labels[labels[at]];
  }
  return count;
}

// ---------------------------------------------------------------------------------------------
// Row by row

template <class T>
ComponentSweep<T>::ComponentSweep(size_t width, Connectivity connectivity)
    : width_(width),
      connectivity_(connectivity),
      parents_(1),
      sizes_(1),
      values_above_(width),
      above_(width + 2),
      row_(width + 2) {}

template <class T>
uint32_t ComponentSweep<T>::root(uint32_t number) {
  return root_of(parents_.data(), number);
}

template <class T>
void ComponentSweep<T>::join(uint32_t a, uint32_t b) {
  joined(parents_.data(), a, b);
}

// The first neighbour's number, whatever it has been joined with, so that the numbers are the same
// when the row is shown again.
template <class T>
uint32_t ComponentSweep<T>::provisional(const T* values, const uint8_t* valid, size_t x,
                                        bool joining) {
  if (valid != nullptr && valid[x] == 0) return 0;
  uint32_t number = 0;
  const auto meet = [&](uint32_t other, T value) {
    if (other == 0 || value != values[x]) return;
    if (number == 0)
      number = other;
    else if (joining && number != other)
      join(number, other);
  };
  if (x > 0) meet(row_[x], values[x - 1]);
  meet(above_[x + 1], values_above_[x]);
  if (connectivity_ == Connectivity::corners) {
    if (x > 0) meet(above_[x], values_above_[x - 1]);
    if (x + 1 < width_) meet(above_[x + 2], values_above_[x + 1]);
  }
  if (number != 0) return number;
  if (joining) {
    if (parents_.size() >= kInvalid) throw std::length_error("ComponentSweep: too many areas");
    parents_.push_back(numbers_ + 1);
    sizes_.push_back(0);
  }
  return ++numbers_;
}

template <class T>
void ComponentSweep<T>::sweep_row(const T* values, const uint8_t* valid, bool joining) {
  std::swap(above_, row_);
  for (size_t x = 0; x < width_; ++x) row_[x + 1] = provisional(values, valid, x, joining);
  std::copy_n(values, width_, values_above_.begin());
}

template <class T>
void ComponentSweep<T>::add_row(const T* values, const uint8_t* valid, double pixel_size) {
  sweep_row(values, valid, true);
  for (size_t x = 1; x <= width_; ++x)
    if (row_[x] != 0) sizes_[row_[x]] += pixel_size;
}

template <class T>
void ComponentSweep<T>::close() {
  std::vector<double> sizes(1);
  for (uint32_t number = 1; number <= numbers_; ++number) {
    // A parent is earlier, and has its area's number already.
    const bool first = parents_[number] == number;
    parents_[number] = first ? static_cast<uint32_t>(sizes.size()) : parents_[parents_[number]];
    if (first) sizes.push_back(0);
    sizes[parents_[number]] += sizes_[number];
  }
  sizes_ = std::move(sizes);
  rewind();
}

template <class T>
void ComponentSweep<T>::rewind() {
  std::fill(row_.begin(), row_.end(), 0);
  numbers_ = 0;
}

template <class T>
void ComponentSweep<T>::label_row(const T* values, const uint8_t* valid, uint32_t* labels) {
  sweep_row(values, valid, false);
  for (size_t x = 0; x < width_; ++x) labels[x] = parents_[row_[x + 1]];
}

// ---------------------------------------------------------------------------------------------
// Sieving

SmallAreas::SmallAreas(std::span<const double> sizes, Connectivity connectivity)
    : sizes_(sizes), connectivity_(connectivity), largest_neighbour_(sizes.size(), kStays) {}

bool SmallAreas::larger(uint32_t a, uint32_t than) const {
  if (than == kStays || sizes_[a] > sizes_[than]) return true;
  return sizes_[a] == sizes_[than] && a < than;
}

void SmallAreas::touch(uint32_t a, uint32_t b) {
  if (a == b || a == 0 || b == 0) return;
  if (larger(b, largest_neighbour_[a])) largest_neighbour_[a] = b;
  if (larger(a, largest_neighbour_[b])) largest_neighbour_[b] = a;
}

void SmallAreas::add_row(const uint32_t* above, const uint32_t* row, size_t width) {
  const bool corners = connectivity_ == Connectivity::corners;
  for (size_t x = 0; x < width; ++x) {
    if (x > 0) touch(row[x], row[x - 1]);
    if (above == nullptr) continue;
    touch(row[x], above[x]);
    if (corners && x > 0) touch(row[x], above[x - 1]);
    if (corners && x + 1 < width) touch(row[x], above[x + 1]);
  }
}

std::vector<uint32_t> SmallAreas::taken_over_by(double smallest) const {
  std::vector<uint32_t> result(sizes_.size(), kStays);
  std::vector<bool> known(sizes_.size());
  std::vector<uint32_t> way;
  for (uint32_t area = 1; area < sizes_.size(); ++area) {
    way.clear();
    uint32_t at = area;
    // Marked when it is set out from, so that a circle ends where it began, at one that stays.
    while (at != kStays && sizes_[at] < smallest && !known[at]) {
      known[at] = true;
      way.push_back(at);
      at = largest_neighbour_[at];
    }
    const bool large = at != kStays && sizes_[at] >= smallest;
    const uint32_t taker = large ? at : at == kStays ? kStays : result[at];
    for (const uint32_t small : way) result[small] = taker;
  }
  return result;
}

// ---------------------------------------------------------------------------------------------

template <class T>
uint32_t reference::label_components(const T* values, const uint8_t* valid, size_t width,
                                     size_t height, Connectivity connectivity, uint32_t* labels) {
  std::fill_n(labels, width * height, 0);
  uint32_t count = 0;
  std::vector<size_t> open;
  for (size_t first = 0; first < width * height; ++first) {
    if (labels[first] != 0 || (valid != nullptr && valid[first] == 0)) continue;
    labels[first] = ++count;
    open.push_back(first);
    while (!open.empty()) {
      const size_t at = open.back(), x = at % width, y = at / width;
      open.pop_back();
      for (size_t ny = y - (y > 0); ny <= std::min(y + 1, height - 1); ++ny) {
        for (size_t nx = x - (x > 0); nx <= std::min(x + 1, width - 1); ++nx) {
          const size_t next = ny * width + nx;
          if (connectivity == Connectivity::edges && nx != x && ny != y) continue;
          if (labels[next] != 0 || values[next] != values[at]) continue;
          if (valid != nullptr && valid[next] == 0) continue;
          labels[next] = count;
          open.push_back(next);
        }
      }
    }
  }
  return count;
}

#define INSTANTIATE(T)                                                                          \
  template uint32_t label_components<T>(const T*, const uint8_t*, size_t, size_t, Connectivity, \
                                        uint32_t*);                                             \
  template uint32_t reference::label_components<T>(const T*, const uint8_t*, size_t, size_t,    \
                                                   Connectivity, uint32_t*);                    \
  template class ComponentSweep<T>;
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
INSTANTIATE(uint32_t)
#undef INSTANTIATE

}  // namespace geoloom::kernels
