// SPDX-License-Identifier: Apache-2.0
#include "store/segments.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <deque>
#include <future>
#include <random>
#include <utility>

#include "error/error.h"
#include "geo/time.h"
#include "store/checksum.h"

namespace geoloom::store {
namespace {

constexpr size_t kHashDigits = 16;
constexpr size_t kSegmentLimitBytes = size_t{1} << 30;

std::string host_name() {
  char name[65] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "host";
  std::string out;
  for (const char* c = name; *c; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c))) out += *c;
  return out.empty() ? "host" : out.substr(0, 20);
}

// Sorts by time of creation; unique over hosts and processes.
std::string new_segment_stem() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  // Always with milliseconds: names of different lengths would not sort by time.
  auto time = geo::format_time(ms - ms % 1000);
  time.insert(time.size() - 1, fmt::format(".{:03}", ms % 1000));
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("{}-{}-{}-{:08x}", time, host_name(), ::getpid(), std::random_device{}());
}

}  // namespace

std::string encode_record(std::string_view payload) {
  return fmt::format("{:016x} {}\n", xxh3_64(payload), payload);
}

DecodedRecords decode_records(std::string_view segment) {
  DecodedRecords records;
  while (!segment.empty()) {
    const auto newline = segment.find('\n');
    const auto line = segment.substr(0, newline);
    const bool whole = newline != std::string_view::npos;
    segment.remove_prefix(whole ? newline + 1 : segment.size());
    uint64_t hash = 0;
    const bool shaped = whole && line.size() > kHashDigits && line[kHashDigits] == ' ';
    const auto payload = shaped ? line.substr(kHashDigits + 1) : std::string_view();
    const bool numeric =
        shaped && std::from_chars(line.data(), line.data() + kHashDigits, hash, 16).ptr ==
                      line.data() + kHashDigits;
    if (numeric && hash == xxh3_64(payload))
      records.payloads.emplace_back(payload);
    else if (!line.empty())
      ++records.damaged;
  }
  return records;
}

struct SegmentWriter::Impl {
  Store& store;
  std::string folder;
  std::string stem = new_segment_stem();
  std::mutex mutex;
  std::string pending;  // object stores: not flushed yet
  unsigned flushed = 0;
  bool torn = false;  // local: the last write failed half way
  std::chrono::steady_clock::time_point last_flush = std::chrono::steady_clock::now();

  void put_pending() {
    if (pending.empty()) return;
    store.put_bytes(pending, fmt::format("{}/{}-{:06}.seg", folder, stem, flushed));
    ++flushed;
    pending.clear();
    last_flush = std::chrono::steady_clock::now();
  }
};

SegmentWriter::SegmentWriter(Store& store, std::string folder)
    : impl_(new Impl{store, std::move(folder)}) {}

SegmentWriter::~SegmentWriter() {
  try {
    flush();
  } catch (...) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

void SegmentWriter::append(std::string_view payload) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->store.local()) {
    impl_->pending += encode_record(payload);
    if (std::chrono::steady_clock::now() - impl_->last_flush >= flush_interval)
      impl_->put_pending();
    return;
  }
  // After a torn write the next record starts on a line of its own, so only the torn one is lost.
  const std::string record = (impl_->torn ? "\n" : "") + encode_record(payload);
  impl_->torn = true;
  impl_->store.append_record(record, fmt::format("{}/{}.seg", impl_->folder, impl_->stem));
  impl_->torn = false;
}

void SegmentWriter::flush() {
  const std::lock_guard lock(impl_->mutex);
  impl_->put_pending();
}

namespace {

constexpr int kMaxListings = 20;

struct NamedSegments {
  std::vector<std::pair<std::string, DecodedRecords>> segments;
  bool complete = true;
};

NamedSegments read_once(const Store& store, const std::string& folder) {
  NamedSegments read;
  for (const auto& name : store.list(folder + "/")) {
    if (!name.ends_with(".seg")) continue;
    try {
      read.segments.emplace_back(name, decode_records(store.get_bytes(name, kSegmentLimitBytes)));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::missing) throw;
      read.complete = false;
      return read;
    }
  }
  return read;
}

// A segment that is listed but gone was compacted into one that the listing does not have yet.
NamedSegments read_all(const Store& store, const std::string& folder) {
  for (int i = 0; i < kMaxListings; ++i) {
    NamedSegments read = read_once(store, folder);
    if (read.complete) return read;
  }
  throw Error(ErrorCode::unavailable, fmt::format("the records in {} keep changing", folder));
}

// A server takes longer for a segment than decoding it does.
constexpr size_t kObjectsAhead = 4;

struct WholeLines {
  DecodedRecords records;
  size_t bytes = 0;  // up to the last line end
  bool cut = false;  // what follows it was torn, or is being written
};

WholeLines whole_lines(std::string_view text) {
  const auto last = text.rfind('\n');
  WholeLines lines;
  lines.bytes = last == std::string_view::npos ? 0 : last + 1;
  lines.cut = lines.bytes < text.size();
  lines.records = decode_records(text.substr(0, lines.bytes));
  return lines;
}

void take_over(WholeLines& lines, DecodedRecords& all) {
  all.damaged += lines.records.damaged + (lines.cut ? 1 : 0);
  for (auto& payload : lines.records.payloads) all.payloads.push_back(std::move(payload));
}

}  // namespace

DecodedRecords read_segments(const Store& store, const std::string& folder) {
  return SegmentReader(store, folder).read_new();
}

SegmentReader::SegmentReader(const Store& store, std::string folder)
    : store_(store), folder_(std::move(folder)) {}

DecodedRecords SegmentReader::read_new() {
  DecodedRecords all;
  for (int i = 0; i < kMaxListings; ++i)
    if (read_listed(all)) return all;
  throw Error(ErrorCode::unavailable, fmt::format("the records in {} keep changing", folder_));
}

// False when a segment that is listed is gone: it was compacted into one that the listing does not
// have yet.
bool SegmentReader::read_listed(DecodedRecords& all) {
  std::vector<std::string> names;
  for (auto& name : store_.list(folder_ + "/"))
    if (name.ends_with(".seg")) names.push_back(std::move(name));
  try {
    if (store_.local())
      for (const auto& name : names) read_segment(name, all);
    else
      read_objects(names, all);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;
    return false;
  }
  return true;
}

// Objects never change. Taken over in their order, while the next ones are on their way.
void SegmentReader::read_objects(const std::vector<std::string>& names, DecodedRecords& all) {
  std::deque<std::pair<std::string, std::future<WholeLines>>> ahead;
  auto next = names.begin();
  const auto start_more = [&] {
    for (; next != names.end() && ahead.size() < kObjectsAhead; ++next)
      if (!consumed_.contains(*next))
        ahead.emplace_back(*next, std::async(std::launch::async, [this, name = *next] {
          return whole_lines(store_.get_bytes(name, kSegmentLimitBytes));
        }));
  };
  for (start_more(); !ahead.empty(); start_more()) {
    const auto name = ahead.front().first;
    auto lines = ahead.front().second.get();
    ahead.pop_front();
    take_over(lines, all);
    consumed_[name] = lines.bytes;
  }
}

void SegmentReader::read_segment(const std::string& name, DecodedRecords& all) {
  const auto known = consumed_.find(name);
  const bool first = known == consumed_.end();
  const size_t from = first ? 0 : known->second;
  if (!first) {
    const auto size = store_.size_of(name);
    if (!size) throw Error(ErrorCode::missing, "a segment is gone").at({.file = name});
    if (static_cast<size_t>(*size) <= from) return;
  }
  const auto bytes = store_.get_bytes(name, kSegmentLimitBytes);
  if (bytes.size() <= from) return;
  auto lines = whole_lines(std::string_view(bytes).substr(from));
  // Told once, and looked at again.
  lines.cut = lines.cut && first;
  take_over(lines, all);
  consumed_[name] = from + lines.bytes;
}

void compact_segments(Store& store, const std::string& folder,
                      const std::function<bool(std::string_view)>& keep) {
  std::string joined;
  bool dropped = false;
  const NamedSegments all = read_all(store, folder);
  for (const auto& [name, records] : all.segments) {
    for (const auto& payload : records.payloads) {
      if (keep(payload))
        joined += encode_record(payload);
      else
        dropped = true;
    }
  }
  if (all.segments.empty() || (all.segments.size() == 1 && !dropped)) return;
  // First the new one, then the removals: a reader may see a record twice, but never none.
  store.put_bytes(joined, fmt::format("{}/{}-compact.seg", folder, new_segment_stem()));
  for (const auto& [name, records] : all.segments) store.remove(name);
}

}  // namespace geoloom::store
