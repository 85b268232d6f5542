// SPDX-License-Identifier: Apache-2.0
#include "learn/pixel_sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <set>
#include <unordered_set>
#include <utility>

#include "error/error.h"
#include "learn/random_numbers.h"

namespace geoloom::learn {
namespace {

constexpr int64_t kMostBlockSide = 4096;
// Of a share of pixels, more is kept than will be drawn: how many pixels there will be is not known
// before the end. So many of a class are kept in any case, and beyond that 1.5 times the share; to
// keep too few of a class one would have to wait for an event of probability e^-80.
constexpr uint64_t kAlwaysKept = 1000;
constexpr double kKeptBeyondShare = 1.5;

[[noreturn]] void refuse(const std::string& why, const std::string& hint) {
  throw Error(ErrorCode::invalid, why).hint(hint);
}

void check_share(double share) {
  if (!(share >= 0 && share <= 1))
    refuse(fmt::format("{} is no share of the pixels", share), "give a number from 0 to 1");
}

// Half to even, as Python rounds.
uint64_t rounded(double value) {
  return static_cast<uint64_t>(std::nearbyint(value));
}

using Key = std::pair<uint64_t, uint64_t>;  // key and position: no two are equal

// A pixel that may be drawn.
struct Candidate {
  Key key;
  int64_t class_label = kNoClass;
  double number_label = 0;
  std::vector<float> features;
  bool operator<(const Candidate& other) const { return key < other.key; }
};

// The candidates of smallest keys, of one class or of all.
struct Stratum {
  uint64_t available = 0;
  uint64_t capacity = 0;        // candidates that are always kept
  uint64_t key_bound = 0;       // those of smaller keys are kept too
  std::vector<Candidate> heap;  // largest key first

  // Could a candidate of this key still be drawn?
  bool wants(const Key& key) const {
    return key.first < key_bound || heap.size() < capacity ||
           (!heap.empty() && key < heap.front().key);
  }
  void take(Candidate candidate) {
    heap.push_back(std::move(candidate));
    std::push_heap(heap.begin(), heap.end());
    while (heap.size() > capacity && heap.front().key.first >= key_bound) {
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
  }
};

// Accepts places that keep their distance to those accepted before.
class Spacing {
 public:
  explicit Spacing(double distance)
      : distance_(distance), cell_(std::max<int64_t>(1, static_cast<int64_t>(distance))) {}

  bool accept(int64_t x, int64_t y) {
    if (distance_ <= 0) return true;
    const int64_t column = x / cell_, row = y / cell_;
    for (int64_t dy = -2; dy <= 2; ++dy)
      for (int64_t dx = -2; dx <= 2; ++dx) {
        const auto found = cells_.find({row + dy, column + dx});
        if (found == cells_.end()) continue;
        for (const auto& [ox, oy] : found->second) {
          const auto across = static_cast<double>(x - ox), down = static_cast<double>(y - oy);
          if (across * across + down * down < distance_ * distance_) return false;
        }
      }
    cells_[{row, column}].emplace_back(x, y);
    return true;
  }

 private:
  double distance_;
  int64_t cell_;
  std::map<std::pair<int64_t, int64_t>, std::vector<std::pair<int64_t, int64_t>>> cells_;
};

// A block that may be drawn, filled as its parts come by.
struct Block {
  int64_t x = 0, y = 0;
  uint64_t order = 0;  // the place of its key
  uint64_t filled = 0;
  bool eligible = true;
  std::vector<float> features;
  std::vector<int64_t> class_labels;
  std::vector<double> number_labels;
};

uint64_t positions_of(const DrawRule& rule, int64_t width, int64_t height) {
  const int64_t columns = width - rule.block_width + 1, rows = height - rule.block_height + 1;
  return columns <= 0 || rows <= 0 ? 0 : static_cast<uint64_t>(columns * rows);
}

bool of_single_pixels(const DrawRule& rule) {
  return rule.block_width == 1 && rule.block_height == 1 && rule.method != DrawMethod::grid;
}

// How many samples, of blocks and grids.
uint64_t wanted_blocks(const DrawRule& rule, int64_t width, int64_t height) {
  const uint64_t positions = positions_of(rule, width, height);
  if (rule.method == DrawMethod::number) return std::min(rule.number, positions);
  if (rule.method == DrawMethod::fraction)
    return rounded(static_cast<double>(positions) * rule.fraction);
  if (positions == 0) return 0;
  const int64_t rows = (height - rule.block_height) / rule.stride_rows + 1;
  const int64_t columns = (width - rule.block_width) / rule.stride_columns + 1;
  return static_cast<uint64_t>(rows * columns);
}

}  // namespace

std::string_view name(DrawMethod method) {
  switch (method) {
    case DrawMethod::number:
      return "number";
    case DrawMethod::fraction:
      return "fraction";
    case DrawMethod::per_class:
      return "per_class";
    case DrawMethod::grid:
      return "grid";
  }
  return "";
}

void check(const DrawRule& rule) {
  for (const int64_t side : {rule.block_height, rule.block_width})
    if (side < 1 || side > kMostBlockSide)
      refuse(fmt::format("blocks of {} x {} pixels cannot be drawn", rule.block_height,
                         rule.block_width),
             fmt::format("give sides from 1 to {}", kMostBlockSide));
  check_share(rule.fraction);
  for (const auto& [code, share] : rule.fraction_of_class) check_share(share);
  if (!(rule.min_distance_pixels >= 0 && rule.min_distance_pixels < 1e6))
    refuse(fmt::format("{} pixels are no distance between samples", rule.min_distance_pixels),
           "give 0 or more");
  const bool blocks = rule.block_height != 1 || rule.block_width != 1;
  const bool by_class = rule.method == DrawMethod::per_class || !rule.fraction_of_class.empty();
  if (blocks && by_class)
    refuse("blocks have pixels of several classes and are not drawn by class",
           "draw a number or a fraction of blocks, or single pixels");
  if (rule.method == DrawMethod::grid && (rule.stride_rows < 1 || rule.stride_columns < 1))
    refuse("a grid needs strides of one pixel or more", "give stride: [rows, columns]");
  const bool nothing =
      (rule.method == DrawMethod::number && rule.number == 0) ||
      (rule.method == DrawMethod::fraction && rule.fraction == 0 &&
       rule.fraction_of_class.empty()) ||
      (rule.method == DrawMethod::per_class && rule.number == 0 && rule.number_of_class.empty());
  if (nothing) refuse("nothing is to be drawn", "give a number or a fraction above 0");
}

struct PixelSampler::Impl {
  DrawRule rule;
  uint64_t item_seed = 0;
  int64_t width = 0, height = 0;
  size_t features = 0;
  LabelType label_type = LabelType::none;
  std::mutex mutex;

  // Single pixels. Without classes to draw by, all are of the stratum kNoClass.
  bool by_class = false;
  std::map<int64_t, Stratum> strata;
  std::map<int64_t, uint64_t> available;  // eligible pixels, by class

  // Blocks and grids: known beforehand, by rising row.
  std::vector<Block> blocks;
  uint64_t wanted = 0;

  uint64_t key_of(uint64_t position) const {
    return RandomNumbers::mixed(item_seed + (position + 1) * 0x9e3779b97f4a7c15U);
  }

  double share_of(int64_t code) const {
    const auto found = rule.fraction_of_class.find(code);
    return found == rule.fraction_of_class.end() ? rule.fraction : found->second;
  }
  uint64_t number_of(int64_t code) const {
    if (rule.method == DrawMethod::number) return rule.number;
    const auto found = rule.number_of_class.find(code);
    return found == rule.number_of_class.end() ? rule.number : found->second;
  }
  uint64_t wanted_of(int64_t code, uint64_t pixels) const {
    if (rule.method == DrawMethod::fraction)
      return rounded(static_cast<double>(pixels) * share_of(code));
    return std::min(number_of(code), pixels);
  }

  Stratum begun(int64_t code) const {
    Stratum stratum;
    const uint64_t spare = rule.min_distance_pixels > 0 ? kSparePixels : 1;
    if (rule.method == DrawMethod::fraction) {
      const double share = share_of(code);
      stratum.capacity = share > 0 ? kAlwaysKept : 0;
      const double kept = share * kKeptBeyondShare * static_cast<double>(spare);
      stratum.key_bound = kept >= 1 ? UINT64_MAX : static_cast<uint64_t>(kept * 0x1p64);
    } else {
      const auto pixels = static_cast<uint64_t>(width * height);
      stratum.capacity = std::min(number_of(code), pixels) * spare;
    }
    return stratum;
  }
  Stratum& stratum_of(int64_t code) {
    const auto found = strata.find(code);
    return found != strata.end() ? found->second : strata.emplace(code, begun(code)).first->second;
  }

  // What of a part may be drawn, by the bounds as they are now: they only fall.
  struct Bound {
    uint64_t key_bound = 0;
    bool all = true;
    Key largest{};
  };
  Bound bound_of(int64_t code) {
    const std::lock_guard lock(mutex);
    const auto& stratum = stratum_of(code);
    Bound bound{stratum.key_bound, stratum.heap.size() < stratum.capacity, {}};
    if (!stratum.heap.empty()) bound.largest = stratum.heap.front().key;
    return bound;
  }

  void add_pixels(const ItemPart& part);
  void add_to_blocks(const ItemPart& part);
  void choose_blocks();
  bool fill(Block& block, const ItemPart& part) const;
  DrawnSamples finish_pixels();
  DrawnSamples finish_blocks();
  SamplingRecord record_of(const std::map<int64_t, uint64_t>& drawn) const;
};

void PixelSampler::Impl::add_pixels(const ItemPart& part) {
  std::map<int64_t, uint64_t> seen;
  std::map<int64_t, Bound> bounds;
  std::vector<std::pair<int64_t, Candidate>> candidates;  // and their strata
  int64_t last_code = kNoClass;
  Bound* bound = nullptr;
  uint64_t* count = nullptr;
  for (int64_t row = 0; row < part.height; ++row)
    for (int64_t column = 0; column < part.width; ++column) {
      const auto index = static_cast<size_t>(row * part.width + column);
      if (part.eligible[index] == 0) continue;
      const int64_t code = part.classes.empty() ? kNoClass : part.classes[index];
      if (bound == nullptr || code != last_code) {  // neighbours are alike: few look-ups
        const int64_t stratum = by_class ? code : kNoClass;
        auto known = bounds.find(stratum);
        if (known == bounds.end()) known = bounds.emplace(stratum, bound_of(stratum)).first;
        bound = &known->second;
        count = &seen[code];
        last_code = code;
      }
      ++*count;
      const auto position = static_cast<uint64_t>((part.y + row) * width + part.x + column);
      const Key key{key_of(position), position};
      if (!bound->all && key.first >= bound->key_bound && key > bound->largest) continue;
      Candidate candidate{key, code, part.numbers.empty() ? 0 : part.numbers[index],
                          std::vector<float>(features)};
      part.features_at(index, candidate.features);
      candidates.emplace_back(by_class ? code : kNoClass, std::move(candidate));
    }
  const std::lock_guard lock(mutex);
  for (const auto& [code, pixels] : seen) {
    available[code] += pixels;
    stratum_of(by_class ? code : kNoClass).available += pixels;
  }
  for (auto& [code, candidate] : candidates)
    if (auto& stratum = stratum_of(code); stratum.wants(candidate.key))
      stratum.take(std::move(candidate));
}

// Of blocks the places are drawn before any pixel is seen; of a grid they follow from its strides.
void PixelSampler::Impl::choose_blocks() {
  wanted = wanted_blocks(rule, width, height);
  if (rule.method == DrawMethod::grid) {
    for (int64_t y = 0; y + rule.block_height <= height; y += rule.stride_rows)
      for (int64_t x = 0; x + rule.block_width <= width; x += rule.stride_columns)
        blocks.push_back({x, y, blocks.size()});
    return;
  }
  const uint64_t positions = positions_of(rule, width, height);
  const uint64_t looked_at = std::min(positions, wanted * kSpareBlocks);
  RandomNumbers numbers(item_seed);
  std::unordered_set<uint64_t> taken;
  const auto columns = static_cast<uint64_t>(std::max<int64_t>(1, width - rule.block_width + 1));
  if (looked_at * 2 > positions) {  // most of all: shuffled
    std::vector<uint64_t> all(positions);
    for (uint64_t i = 0; i < positions; ++i) all[i] = i;
    numbers.shuffle(std::span(all));
    for (uint64_t i = 0; i < looked_at; ++i)
      blocks.push_back(
          {static_cast<int64_t>(all[i] % columns), static_cast<int64_t>(all[i] / columns), i});
  } else {
    while (blocks.size() < looked_at) {
      const uint64_t position = numbers.below(positions);
      if (taken.insert(position).second)
        blocks.push_back({static_cast<int64_t>(position % columns),
                          static_cast<int64_t>(position / columns), blocks.size()});
    }
  }
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    return std::pair(a.y, a.x) < std::pair(b.y, b.x);
  });
}

// Takes over what the part has of the block; false when they do not meet.
bool PixelSampler::Impl::fill(Block& block, const ItemPart& part) const {
  const int64_t left = std::max(block.x, part.x), top = std::max(block.y, part.y);
  const int64_t right = std::min(block.x + rule.block_width, part.x + part.width);
  const int64_t bottom = std::min(block.y + rule.block_height, part.y + part.height);
  if (left >= right || top >= bottom) return false;
  const auto pixels = static_cast<size_t>(rule.block_width * rule.block_height);
  block.features.resize(pixels * features, std::numeric_limits<float>::quiet_NaN());
  if (!part.classes.empty()) block.class_labels.resize(pixels, kNoClass);
  if (!part.numbers.empty())
    block.number_labels.resize(pixels, std::numeric_limits<double>::quiet_NaN());
  for (int64_t y = top; y < bottom; ++y)
    for (int64_t x = left; x < right; ++x) {
      const auto from = static_cast<size_t>((y - part.y) * part.width + x - part.x);
      const auto to = static_cast<size_t>((y - block.y) * rule.block_width + x - block.x);
      ++block.filled;
      if (part.eligible[from] == 0) {
        block.eligible = false;
        continue;
      }
      part.features_at(from, std::span(block.features).subspan(to * features, features));
      if (!part.classes.empty()) block.class_labels[to] = part.classes[from];
      if (!part.numbers.empty()) block.number_labels[to] = part.numbers[from];
    }
  if (!block.eligible) {  // it will not be taken
    block.features = {};
    block.class_labels = {};
    block.number_labels = {};
  }
  return true;
}

void PixelSampler::Impl::add_to_blocks(const ItemPart& part) {
  std::map<int64_t, uint64_t> seen;
  for (size_t i = 0; i < part.eligible.size(); ++i)
    if (part.eligible[i] != 0) ++seen[part.classes.empty() ? kNoClass : part.classes[i]];
  const std::lock_guard lock(mutex);
  for (const auto& [code, pixels] : seen) available[code] += pixels;
  const auto first = std::partition_point(blocks.begin(), blocks.end(), [&](const Block& block) {
    return block.y + rule.block_height <= part.y;
  });
  for (auto block = first; block != blocks.end() && block->y < part.y + part.height; ++block)
    (void)fill(*block, part);
}

SamplingRecord PixelSampler::Impl::record_of(const std::map<int64_t, uint64_t>& drawn) const {
  SamplingRecord record;
  record.seed = rule.seed;
  record.method = name(rule.method);
  for (const auto& [code, pixels] : available) {
    const auto found = drawn.find(code);
    record.rates.push_back({code, pixels, found == drawn.end() ? 0 : found->second});
  }
  return record;
}

DrawnSamples PixelSampler::Impl::finish_pixels() {
  DrawnSamples samples;
  std::vector<Candidate> drawn;
  std::map<int64_t, uint64_t> drawn_of_class;
  std::map<int64_t, double> weight_of;
  for (auto& [code, stratum] : strata) {
    const uint64_t pixels = wanted_of(code, stratum.available);
    std::sort(stratum.heap.begin(), stratum.heap.end());
    if (rule.min_distance_pixels == 0 && stratum.heap.size() < pixels)
      throw Error(ErrorCode::internal, "too few pixels of a class were kept");
    Spacing spacing(rule.min_distance_pixels);
    uint64_t taken = 0;
    for (auto& candidate : stratum.heap) {
      if (taken == pixels) break;
      const auto position = static_cast<int64_t>(candidate.key.second);
      if (!spacing.accept(position % width, position / width)) {
        ++samples.too_near;
        continue;
      }
      ++taken;
      ++drawn_of_class[candidate.class_label];
      drawn.push_back(std::move(candidate));
    }
    weight_of[code] =
        taken == 0 ? 0 : static_cast<double>(stratum.available) / static_cast<double>(taken);
    stratum.heap = {};
  }
  std::sort(drawn.begin(), drawn.end(),
            [](const auto& a, const auto& b) { return a.key.second < b.key.second; });
  for (const auto& candidate : drawn) {
    const auto position = static_cast<int64_t>(candidate.key.second);
    samples.x.push_back(position % width);
    samples.y.push_back(position / width);
    samples.features.insert(samples.features.end(), candidate.features.begin(),
                            candidate.features.end());
    if (label_type == LabelType::classes) samples.class_labels.push_back(candidate.class_label);
    if (label_type == LabelType::number) samples.number_labels.push_back(candidate.number_label);
    samples.weight.push_back(weight_of.at(by_class ? candidate.class_label : kNoClass));
  }
  samples.record = record_of(drawn_of_class);
  return samples;
}

DrawnSamples PixelSampler::Impl::finish_blocks() {
  DrawnSamples samples;
  const auto pixels = static_cast<uint64_t>(rule.block_width * rule.block_height);
  std::vector<Block*> order;
  for (auto& block : blocks) order.push_back(&block);
  std::sort(order.begin(), order.end(),
            [](const Block* a, const Block* b) { return a->order < b->order; });
  Spacing spacing(rule.min_distance_pixels);
  std::vector<const Block*> drawn;
  for (const Block* block : order) {
    if (drawn.size() == wanted) break;
    if (!block->eligible || block->filled != pixels) {
      ++samples.incomplete;
    } else if (!spacing.accept(block->x, block->y)) {
      ++samples.too_near;
    } else {
      drawn.push_back(block);
    }
  }
  std::sort(drawn.begin(), drawn.end(), [](const Block* a, const Block* b) {
    return std::pair(a->y, a->x) < std::pair(b->y, b->x);
  });
  std::map<int64_t, uint64_t> drawn_of_class;
  const double weight = drawn.empty() ? 0
                                      : static_cast<double>(positions_of(rule, width, height)) /
                                            static_cast<double>(drawn.size());
  for (const Block* block : drawn) {
    samples.x.push_back(block->x);
    samples.y.push_back(block->y);
    samples.features.insert(samples.features.end(), block->features.begin(), block->features.end());
    samples.class_labels.insert(samples.class_labels.end(), block->class_labels.begin(),
                                block->class_labels.end());
    samples.number_labels.insert(samples.number_labels.end(), block->number_labels.begin(),
                                 block->number_labels.end());
    samples.weight.push_back(weight);
    if (block->class_labels.empty()) drawn_of_class[kNoClass] += pixels;
    for (const int64_t code : block->class_labels) ++drawn_of_class[code];
  }
  samples.record = record_of(drawn_of_class);
  return samples;
}

PixelSampler::PixelSampler(const DrawRule& rule, const std::string& item, int64_t width,
                           int64_t height, size_t features, LabelType label_type)
    : impl_(std::make_unique<Impl>()) {
  check(rule);
  impl_->rule = rule;
  impl_->item_seed = RandomNumbers(rule.seed, item).next();
  impl_->width = width;
  impl_->height = height;
  impl_->features = features;
  impl_->label_type = label_type;
  impl_->by_class = label_type == LabelType::classes &&
                    (rule.method == DrawMethod::per_class || rule.method == DrawMethod::fraction);
  if (!impl_->by_class && !(rule.number_of_class.empty() && rule.fraction_of_class.empty()))
    refuse("samples are drawn by class, and the labels are no classes",
           "draw a number or a fraction of all pixels, or name a label of classes");
  if (rule.method == DrawMethod::per_class && !impl_->by_class)
    refuse("samples are drawn by class, and there are no classes", "name a label of classes");
  if (!of_single_pixels(rule)) impl_->choose_blocks();
}

PixelSampler::~PixelSampler() = default;

void PixelSampler::add(const ItemPart& part) {
  if (of_single_pixels(impl_->rule))
    impl_->add_pixels(part);
  else
    impl_->add_to_blocks(part);
}

DrawnSamples PixelSampler::finish() {
  return of_single_pixels(impl_->rule) ? impl_->finish_pixels() : impl_->finish_blocks();
}

size_t PixelSampler::memory_bytes(const DrawRule& rule, int64_t width, int64_t height,
                                  size_t features) {
  const auto pixels = static_cast<double>(width) * static_cast<double>(height);
  const double per_pixel = static_cast<double>(features) * sizeof(float) + 2 * sizeof(double);
  double kept = 0;
  if (!of_single_pixels(rule)) {
    const double spare = rule.method == DrawMethod::grid ? 1 : static_cast<double>(kSpareBlocks);
    kept = static_cast<double>(wanted_blocks(rule, width, height)) * spare *
           static_cast<double>(rule.block_width * rule.block_height);
  } else if (rule.method == DrawMethod::fraction) {
    double share = rule.fraction;
    for (const auto& [code, of_class] : rule.fraction_of_class) share = std::max(share, of_class);
    kept = pixels * std::min(1.0, share * kKeptBeyondShare) + 100 * kAlwaysKept;
  } else {
    double number = static_cast<double>(rule.number);
    for (const auto& [code, of_class] : rule.number_of_class)
      number += static_cast<double>(of_class);
    kept = number;
  }
  if (rule.min_distance_pixels > 0) kept *= static_cast<double>(kSparePixels);
  return static_cast<size_t>(std::min(pixels * kSpareBlocks, kept) * (per_pixel + 64)) + (1 << 20);
}

}  // namespace geoloom::learn
