// SPDX-License-Identifier: Apache-2.0
// Ids lie in a plane with a rim of zeros, so that neighbours are fixed distances away and nobody
// asks for the image's edge. The pixels of a segment are a list through the plane, in the order in
// which pyshepseg would hold them: it decides which of two equally near neighbours is met first.
#include "kernels/segments.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace geoloom::kernels {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
// As pyshepseg: passes over the segments of one size.
constexpr int kMostPasses = 10;

template <class T>
class Segmenter {
 public:
  Segmenter(const T* const* bands, size_t band_count, const uint8_t* clusters, size_t width,
            size_t height, const SegmentRule& rule)
      : bands_(bands, bands + band_count),
        clusters_(clusters),
        width_(width),
        height_(height),
        stride_(width + 2),
        rule_(rule) {
    if ((width + 2) * (height + 2) >= kNone)
      throw std::invalid_argument("segment: too many pixels");
    const auto s = static_cast<ptrdiff_t>(stride_);
    if (rule.connectivity == Connectivity::edges)
      neighbours_ = {-s, -1, 1, s};
    else
      neighbours_ = {-s - 1, -s, -s + 1, -1, 1, s - 1, s, s + 1};
  }

  Segments run() {
    clump();
    result_.clumps = static_cast<uint32_t>(sizes_.size() - 1);
    merge_single_pixels();
    renumber();
    list_pixels();
    merge_small();
    renumber();
    result_.count = static_cast<uint32_t>(sizes_.size() - 1);
    result_.ids = without_rim();
    return std::move(result_);
  }

 private:
  size_t place(size_t x, size_t y) const { return (y + 1) * stride_ + x + 1; }
  size_t pixel(size_t place) const { return (place / stride_ - 1) * width_ + place % stride_ - 1; }
  template <class Use>
  void for_pixels(Use use) {
    for (size_t y = 0; y < height_; ++y)
      for (size_t x = 0; x < width_; ++x) use(place(x, y), y * width_ + x);
  }

  void clump();
  void cut_clump(size_t first, uint8_t cluster, uint32_t id, std::vector<uint32_t>& open);
  void merge_single_pixels();
  uint32_t like_neighbour(size_t at) const;
  void renumber();
  void list_pixels();
  void merge_small();
  std::vector<std::pair<uint32_t, uint32_t>> merges_of(const std::vector<uint32_t>& segments) const;
  uint32_t nearest_neighbour(uint32_t segment) const;
  double squared_distance(const double* mean, uint32_t other) const;
  void merge(uint32_t segment, uint32_t into);
  std::vector<uint32_t> without_rim();

  const std::vector<const T*> bands_;
  const uint8_t* clusters_;
  const size_t width_, height_, stride_;
  const SegmentRule rule_;
  std::vector<ptrdiff_t> neighbours_;  // row by row
  Segments result_;

  std::vector<uint32_t> ids_;   // with a rim of 0
  std::vector<uint32_t> next_;  // in the list of a segment's pixels; kNone at its end
  // By segment, from 1; 0 is what is invalid.
  std::vector<uint32_t> sizes_, first_, last_;
  std::vector<float> sums_;  // of the bands; in float and in this order, as pyshepseg's
};

template <class T>
void Segmenter<T>::clump() {
  ids_.assign(stride_ * (height_ + 2), 0);
  if (rule_.largest_clump == 0) {
    // Labels first lie without the rim, then rows are moved into place from the last to the first.
    const uint32_t count =
        label_components(clusters_, clusters_, width_, height_, rule_.connectivity, ids_.data());
    for (size_t y = height_; y-- > 0;) {
      uint32_t* const from = ids_.data() + y * width_;
      std::copy_backward(from, from + width_, ids_.data() + place(width_, y));
      // What lies between this row and the next is rim.
      std::fill_n(ids_.data() + place(width_, y), 2, 0);
    }
    std::fill_n(ids_.data(), place(0, 0), 0);
    std::fill(ids_.data() + place(width_, height_ - 1), ids_.data() + ids_.size(), 0);
    sizes_.assign(count + 1, 0);
  } else {
    std::vector<uint32_t> open;
    uint32_t count = 0;
    for_pixels([&](size_t at, size_t p) {
      if (clusters_[p] != 0 && ids_[at] == 0) cut_clump(at, clusters_[p], ++count, open);
    });
    sizes_.assign(count + 1, 0);
  }
  for_pixels([&](size_t at, size_t) { ++sizes_[ids_[at]]; });
}

// Floods from the first pixel until the clump is large enough; the order of the flood decides which
// pixels those are: last found, first looked at, and around each the columns from the left.
template <class T>
void Segmenter<T>::cut_clump(size_t first, uint8_t cluster, uint32_t id,
                             std::vector<uint32_t>& open) {
  const auto s = static_cast<ptrdiff_t>(stride_);
  const bool corners = rule_.connectivity == Connectivity::corners;
  static constexpr std::array<std::array<int, 2>, 8> kAround{
      {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}, {1, 1}}};  // dx, dy
  open.assign(1, static_cast<uint32_t>(first));
  ids_[first] = id;
  for (size_t size = 0; !open.empty() && size < rule_.largest_clump;) {
    const size_t at = open.back(), x = at % stride_, y = at / stride_;
    open.pop_back();
    for (const auto& [dx, dy] : kAround) {
      if (!corners && dx != 0 && dy != 0) continue;
      if ((x == 1 && dx < 0) || (x == width_ && dx > 0)) continue;
      if ((y == 1 && dy < 0) || (y == height_ && dy > 0)) continue;
      const auto next = static_cast<size_t>(static_cast<ptrdiff_t>(at) + dy * s + dx);
      if (ids_[next] != 0 || clusters_[pixel(next)] != cluster) continue;
      ids_[next] = id;
      ++size;
      open.push_back(static_cast<uint32_t>(next));
    }
  }
}

// The segment of the neighbouring pixel of the nearest values that is no single pixel; kNone where
// there is none.
template <class T>
uint32_t Segmenter<T>::like_neighbour(size_t at) const {
  uint32_t best = kNone;
  double best_distance = std::numeric_limits<double>::infinity();
  const size_t here = pixel(at);
  for (const ptrdiff_t step : neighbours_) {
    const auto other = static_cast<size_t>(static_cast<ptrdiff_t>(at) + step);
    const uint32_t id = ids_[other];
    if (sizes_[id] < 2) continue;
    if (id == 0) {
      const size_t ox = other % stride_, oy = other / stride_;
      const bool inside = ox > 0 && ox <= width_ && oy > 0 && oy <= height_;
      if (!rule_.invalid_attracts || !inside) continue;
    }
    const size_t there = pixel(other);
    double distance = 0;
    for (const T* band : bands_) {
      const double difference = static_cast<double>(band[here]) - static_cast<double>(band[there]);
      distance += difference * difference;
    }
    if (!(distance < best_distance)) continue;
    best_distance = distance;
    best = id;
  }
  return best;
}

// All find their neighbours before any is merged, over and over: pixels that had only single ones
// around them may have others now.
template <class T>
void Segmenter<T>::merge_single_pixels() {
  std::vector<uint32_t> single;
  for_pixels([&](size_t at, size_t) {
    if (ids_[at] != 0 && sizes_[ids_[at]] == 1) single.push_back(static_cast<uint32_t>(at));
  });
  std::vector<uint32_t> into;
  for (bool merged = true; merged;) {
    into.clear();
    for (const uint32_t at : single) into.push_back(like_neighbour(at));
    size_t kept = 0;
    for (size_t i = 0; i < single.size(); ++i) {
      if (into[i] == kNone) {
        single[kept++] = single[i];
        continue;
      }
      sizes_[ids_[single[i]]] = 0;
      ids_[single[i]] = into[i];
      ++sizes_[into[i]];
      ++result_.single;
    }
    merged = kept < single.size();
    single.resize(kept);
  }
}

// Leaves no numbers out; the order stays.
template <class T>
void Segmenter<T>::renumber() {
  std::vector<uint32_t> number(sizes_.size());
  uint32_t count = 0;
  for (size_t id = 1; id < sizes_.size(); ++id) {
    if (sizes_[id] == 0) continue;
    number[id] = ++count;
    sizes_[count] = sizes_[id];
  }
  sizes_.resize(count + 1);
  for_pixels([&](size_t at, size_t) { ids_[at] = number[ids_[at]]; });
}

template <class T>
void Segmenter<T>::list_pixels() {
  const size_t bands = bands_.size();
  sums_.assign(sizes_.size() * bands, 0);
  first_.assign(sizes_.size(), kNone);
  last_.assign(sizes_.size(), kNone);
  next_.assign(ids_.size(), kNone);
  for_pixels([&](size_t at, size_t p) {
    const uint32_t id = ids_[at];
    if (id == 0) return;
    for (size_t b = 0; b < bands; ++b) sums_[id * bands + b] += static_cast<float>(bands_[b][p]);
    if (sizes_[id] >= rule_.smallest) return;  // never looked through
    if (first_[id] == kNone)
      first_[id] = static_cast<uint32_t>(at);
    else
      next_[last_[id]] = static_cast<uint32_t>(at);
    last_[id] = static_cast<uint32_t>(at);
  });
}

template <class T>
double Segmenter<T>::squared_distance(const double* mean, uint32_t other) const {
  const size_t bands = bands_.size();
  double distance = 0;
  for (size_t b = 0; b < bands; ++b) {
    const double difference =
        mean[b] - static_cast<double>(sums_[other * bands + b]) / sizes_[other];
    distance += difference * difference;
  }
  return distance;
}

// Of the larger segments that touch it, the one with the nearest mean; 0 where there is none, or
// none near enough.
template <class T>
uint32_t Segmenter<T>::nearest_neighbour(uint32_t segment) const {
  const size_t bands = bands_.size();
  const uint32_t size = sizes_[segment];
  std::array<double, 64> few;
  std::vector<double> many(bands > few.size() ? bands : 0);
  double* const mean = many.empty() ? few.data() : many.data();
  for (size_t b = 0; b < bands; ++b)
    mean[b] = static_cast<double>(sums_[segment * bands + b]) / size;
  uint32_t best = 0, looked_at = 0;
  double best_distance = 0;
  for (uint32_t at = first_[segment]; at != kNone; at = next_[at]) {
    for (const ptrdiff_t step : neighbours_) {
      const uint32_t other = ids_[static_cast<size_t>(static_cast<ptrdiff_t>(at) + step)];
      if (other == segment || other == looked_at || other == 0 || sizes_[other] <= size) continue;
      looked_at = other;
      const double distance = squared_distance(mean, other);
      if (best != 0 && !(distance < best_distance)) continue;
      best_distance = distance;
      best = other;
    }
  }
  return best_distance > rule_.farthest * rule_.farthest ? 0 : best;
}

template <class T>
void Segmenter<T>::merge(uint32_t segment, uint32_t into) {
  for (uint32_t at = first_[segment]; at != kNone; at = next_[at]) ids_[at] = into;
  // A segment that has become large enough is no longer looked through.
  if (sizes_[into] < rule_.smallest) {
    next_[last_[into]] = first_[segment];
    last_[into] = last_[segment];
  }
  const size_t bands = bands_.size();
  for (size_t b = 0; b < bands; ++b) sums_[into * bands + b] += sums_[segment * bands + b];
  sizes_[into] += sizes_[segment];
  sizes_[segment] = 0;
  ++result_.small;
}

template <class T>
std::vector<std::pair<uint32_t, uint32_t>> Segmenter<T>::merges_of(
    const std::vector<uint32_t>& segments) const {
  std::vector<std::pair<uint32_t, uint32_t>> merges;
  for (const uint32_t segment : segments)
    if (const uint32_t into = nearest_neighbour(segment); into != 0)
      merges.emplace_back(segment, into);
  return merges;
}

// Segments of one size after the other. Merging makes larger ones only, which come later.
template <class T>
void Segmenter<T>::merge_small() {
  std::vector<std::vector<uint32_t>> of_size(rule_.smallest);
  for (uint32_t id = 1; id < sizes_.size(); ++id)
    if (sizes_[id] < rule_.smallest) of_size[sizes_[id]].push_back(id);
  for (size_t size = 1; size < rule_.smallest; ++size) {
    auto waiting = std::move(of_size[size]);
    std::sort(waiting.begin(), waiting.end());
    for (int pass = 0; pass < kMostPasses; ++pass) {
      std::erase_if(waiting, [&](uint32_t id) { return sizes_[id] != size; });
      const auto merges = merges_of(waiting);
      if (merges.empty()) break;
      for (const auto& [segment, into] : merges) {
        merge(segment, into);
        if (sizes_[into] < rule_.smallest) of_size[sizes_[into]].push_back(into);
      }
    }
  }
}

template <class T>
std::vector<uint32_t> Segmenter<T>::without_rim() {
  next_ = {};
  for (size_t y = 0; y < height_; ++y)
    std::copy_n(ids_.data() + place(0, y), width_, ids_.data() + y * width_);
  ids_.resize(width_ * height_);
  return std::move(ids_);
}

}  // namespace

template <class T>
Segments segment(const T* const* bands, size_t band_count, const uint8_t* clusters, size_t width,
                 size_t height, const SegmentRule& rule) {
  if (width == 0 || height == 0) return {};
  return Segmenter<T>(bands, band_count, clusters, width, height, rule).run();
}

#define INSTANTIATE(T)                                                                  \
  template Segments segment<T>(const T* const*, size_t, const uint8_t*, size_t, size_t, \
                               const SegmentRule&);
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
INSTANTIATE(float)
#undef INSTANTIATE

}  // namespace geoloom::kernels
