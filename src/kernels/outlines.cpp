// SPDX-License-Identifier: Apache-2.0
#include "kernels/outlines.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace geoloom::kernels {
namespace {

constexpr uint32_t kFalling = uint32_t{1} << 31;  // upper left and lower right are of the area

// Pixels around a point.
constexpr unsigned kUpperLeft = 1, kUpperRight = 2, kLowerLeft = 4, kLowerRight = 8;

// Twice the area, positive where the ring turns to the right with y pointing up.
int64_t doubled_area(const LatticeRing& ring) {
  int64_t sum = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const auto& a = ring[i];
    const auto& b = ring[(i + 1) % ring.size()];
    sum += static_cast<int64_t>(a.x) * b.y - static_cast<int64_t>(b.x) * a.y;
  }
  return sum;
}

}  // namespace

OutlineSweep::OutlineSweep(size_t width) : width_(width), above_(width) {
  if (width >= kFalling) throw std::invalid_argument("OutlineSweep: the image is too wide");
}

OutlineSweep::Open& OutlineSweep::open(uint32_t label) {
  if (label >= slot_of_.size()) slot_of_.resize(std::max<size_t>(label + 1, slot_of_.size() * 2));
  uint32_t& slot = slot_of_[label];
  if (slot == 0 && !free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else if (slot == 0) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  return slots_[slot];
}

// `where`: which pixels around the point are of the area.
void OutlineSweep::add_corners(uint32_t label, unsigned where, uint32_t x) {
  const bool falling = where == (kUpperLeft | kLowerRight);
  const bool twice = falling || where == (kUpperRight | kLowerLeft);
  const bool straight = where == (kUpperLeft | kUpperRight) ||
                        where == (kLowerLeft | kLowerRight) || where == (kUpperLeft | kLowerLeft) ||
                        where == (kUpperRight | kLowerRight);
  if (straight) return;
  auto& corners = open(label).corners;
  const auto y = static_cast<uint32_t>(rows_);
  for (int i = 0; i < (twice ? 2 : 1); ++i) {
    corners.push_back({falling ? x | kFalling : x, y});
    bytes_ += sizeof(Corner);
  }
}

// The points between the row above and this one.
void OutlineSweep::add_line(const uint32_t* row) {
  uint32_t a = 0, c = 0;
  for (size_t x = 0; x <= width_; ++x) {
    const uint32_t b = x < width_ ? above_[x] : 0, d = x < width_ ? row[x] : 0;
    if (!((a == c && b == d) || (a == b && c == d))) {
      const uint32_t around[4]{a, b, c, d};
      for (int i = 0; i < 4; ++i) {
        const uint32_t label = around[i];
        bool seen = label == 0;
        for (int k = 0; k < i; ++k) seen = seen || around[k] == label;
        if (seen) continue;
        const unsigned where = (a == label ? kUpperLeft : 0) | (b == label ? kUpperRight : 0) |
                               (c == label ? kLowerLeft : 0) | (d == label ? kLowerRight : 0);
        add_corners(label, where, static_cast<uint32_t>(x));
      }
    }
    a = b;
    c = d;
  }
}

// Areas of the row above that are not in this one any more.
void OutlineSweep::end_areas(const Use& use) {
  uint32_t last = 0;
  for (const uint32_t label : above_) {
    if (label == last || label == 0) continue;
    last = label;
    const uint32_t slot = slot_of_[label];
    if (slot == 0 || slots_[slot].last_row == rows_) continue;
    const auto corners = std::exchange(slots_[slot].corners, {});
    slot_of_[label] = 0;
    free_.push_back(slot);
    use(label, rings_of(corners));
    bytes_ -= corners.size() * sizeof(Corner);
  }
}

void OutlineSweep::add_row(const uint32_t* labels, const Use& use) {
  if (rows_ + 1 >= kFalling) throw std::invalid_argument("OutlineSweep: the image is too high");
  add_line(labels);
  uint32_t last = 0;
  for (size_t x = 0; x < width_; ++x) {
    if (labels[x] != 0 && labels[x] != last) open(labels[x]).last_row = rows_;
    last = labels[x];
  }
  if (rows_ > 0) end_areas(use);
  std::copy_n(labels, width_, above_.begin());
  ++rows_;
}

void OutlineSweep::close(const Use& use) {
  if (rows_ == 0) return;
  const std::vector<uint32_t> outside(width_);
  add_line(outside.data());
  end_areas(use);
  rows_ = 0;
  std::fill(above_.begin(), above_.end(), 0);
}

std::vector<LatticeRing> OutlineSweep::rings_of(const std::vector<Corner>& corners) {
  const size_t count = corners.size();
  const auto x_of = [&](size_t i) { return corners[i].x & ~kFalling; };
  // Of the two corners at one point the first has its edge to the left and the second to the
  // right. Around the pixels outside: with the area's diagonal falling, upwards and to the right.
  std::vector<size_t> by_column(count);
  std::iota(by_column.begin(), by_column.end(), size_t{0});
  std::sort(by_column.begin(), by_column.end(), [&](size_t a, size_t b) {
    if (x_of(a) != x_of(b)) return x_of(a) < x_of(b);
    if (corners[a].y != corners[b].y) return corners[a].y < corners[b].y;
    return (corners[a].x & kFalling) != 0 ? a > b : a < b;
  });
  std::vector<size_t> along_column(count);
  for (size_t i = 0; i + 1 < count; i += 2) {
    along_column[by_column[i]] = by_column[i + 1];
    along_column[by_column[i + 1]] = by_column[i];
  }
  std::vector<LatticeRing> rings;
  std::vector<bool> visited(count);
  for (size_t first = 0; first < count; ++first) {
    if (visited[first]) continue;
    LatticeRing ring;
    for (size_t at = first; !visited[at]; at = along_column[at ^ 1]) {
      visited[at] = visited[at ^ 1] = true;
      ring.push_back({x_of(at), corners[at].y});
      ring.push_back({x_of(at ^ 1), corners[at ^ 1].y});
    }
    const bool outer = rings.empty();
    if ((doubled_area(ring) > 0) == outer) std::reverse(ring.begin() + 1, ring.end());
    rings.push_back(std::move(ring));
  }
  return rings;
}

}  // namespace geoloom::kernels
