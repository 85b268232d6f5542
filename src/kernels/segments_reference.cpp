// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/segments.h"

namespace geoloom::kernels::reference {
namespace {

template <class T>
struct Image {
  const T* const* bands;
  size_t band_count, width, height;
  Connectivity connectivity;
  std::vector<uint32_t> ids;

  std::vector<size_t> around(size_t at) const {
    const size_t x = at % width, y = at / width;
    std::vector<size_t> result;
    for (size_t ny = y - (y > 0); ny <= std::min(y + 1, height - 1); ++ny)
      for (size_t nx = x - (x > 0); nx <= std::min(x + 1, width - 1); ++nx)
        if ((nx != x || ny != y) && (connectivity == Connectivity::corners || nx == x || ny == y))
          result.push_back(ny * width + nx);
    return result;
  }
  double distance(size_t a, size_t b) const {
    double sum = 0;
    for (size_t i = 0; i < band_count; ++i)
      sum +=
          (double(bands[i][a]) - double(bands[i][b])) * (double(bands[i][a]) - double(bands[i][b]));
    return sum;
  }
  size_t size(uint32_t id) const {
    return static_cast<size_t>(std::count(ids.begin(), ids.end(), id));
  }
};

template <class T>
uint32_t merge_single(Image<T>& image) {
  uint32_t merged = 0;
  for (;;) {
    std::vector<std::pair<size_t, uint32_t>> moves;
    for (size_t at = 0; at < image.ids.size(); ++at) {
      if (image.ids[at] == 0 || image.size(image.ids[at]) != 1) continue;
      size_t best = at;
      for (const size_t other : image.around(at))
        if (image.ids[other] != 0 && image.size(image.ids[other]) > 1 &&
            (best == at || image.distance(at, other) < image.distance(at, best)))
          best = other;
      if (best != at) moves.emplace_back(at, image.ids[best]);
    }
    for (const auto& [at, id] : moves) image.ids[at] = id;
    merged += static_cast<uint32_t>(moves.size());
    if (moves.empty()) return merged;
  }
}

// Pixels of each segment in order, and float sums of the bands.
struct Members {
  std::vector<size_t> pixels;
  std::vector<float> sums;
};

template <class T>
std::vector<Members> members_of(const Image<T>& image) {
  std::vector<Members> members(*std::max_element(image.ids.begin(), image.ids.end()) + 1);
  for (auto& member : members) member.sums.resize(image.band_count);
  for (size_t at = 0; at < image.ids.size(); ++at) {
    auto& member = members[image.ids[at]];
    member.pixels.push_back(at);
    for (size_t b = 0; b < image.band_count; ++b)
      member.sums[b] += static_cast<float>(image.bands[b][at]);
  }
  return members;
}

template <class T>
uint32_t nearest(const Image<T>& image, const std::vector<Members>& members, uint32_t id,
                 double farthest) {
  const auto mean = [&](uint32_t of, size_t b) {
    return double(members[of].sums[b]) / double(members[of].pixels.size());
  };
  uint32_t best = 0;
  double best_distance = 0;
  for (const size_t at : members[id].pixels) {
    for (const size_t neighbour : image.around(at)) {
      const uint32_t other = image.ids[neighbour];
      if (other == 0 || members[other].pixels.size() <= members[id].pixels.size()) continue;
      double distance = 0;
      for (size_t b = 0; b < image.band_count; ++b)
        distance += (mean(id, b) - mean(other, b)) * (mean(id, b) - mean(other, b));
      if (best != 0 && !(distance < best_distance)) continue;
      best = other;
      best_distance = distance;
    }
  }
  return best_distance > farthest * farthest ? 0 : best;
}

template <class T>
uint32_t merge_small(Image<T>& image, const SegmentRule& rule) {
  auto members = members_of(image);
  uint32_t merged = 0;
  for (size_t size = 1; size < rule.smallest; ++size) {
    for (int pass = 0; pass < 10; ++pass) {
      std::vector<std::pair<uint32_t, uint32_t>> merges;
      for (uint32_t id = 1; id < members.size(); ++id)
        if (members[id].pixels.size() == size)
          if (const uint32_t into = nearest(image, members, id, rule.farthest); into != 0)
            merges.emplace_back(id, into);
      for (const auto& [id, into] : merges) {
        for (const size_t at : members[id].pixels) image.ids[at] = into;
        auto& taker = members[into];
        taker.pixels.insert(taker.pixels.end(), members[id].pixels.begin(),
                            members[id].pixels.end());
        for (size_t b = 0; b < image.band_count; ++b) taker.sums[b] += members[id].sums[b];
        members[id].pixels.clear();
      }
      merged += static_cast<uint32_t>(merges.size());
      if (merges.empty()) break;
    }
  }
  return merged;
}

}  // namespace

// Without `largest_clump` and `invalid_attracts`, which only pyshepseg has.
template <class T>
Segments segment(const T* const* bands, size_t band_count, const uint8_t* clusters, size_t width,
                 size_t height, const SegmentRule& rule) {
  Segments result;
  Image<T> image{bands, band_count, width, height, rule.connectivity, {}};
  image.ids.resize(width * height);
  result.clumps = reference::label_components(clusters, clusters, width, height, rule.connectivity,
                                              image.ids.data());
  result.single = merge_single(image);
  result.small = merge_small(image, rule);
  std::vector<uint32_t> used(image.ids);
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  std::erase(used, 0U);
  for (auto& id : image.ids)
    if (id != 0)
      id = static_cast<uint32_t>(std::lower_bound(used.begin(), used.end(), id) - used.begin()) + 1;
  result.count = static_cast<uint32_t>(used.size());
  result.ids = std::move(image.ids);
  return result;
}

#define INSTANTIATE(T)                                                                  \
  template Segments segment<T>(const T* const*, size_t, const uint8_t*, size_t, size_t, \
                               const SegmentRule&);
INSTANTIATE(uint8_t)
INSTANTIATE(uint16_t)
INSTANTIATE(int16_t)
INSTANTIATE(float)
#undef INSTANTIATE

}  // namespace geoloom::kernels::reference
