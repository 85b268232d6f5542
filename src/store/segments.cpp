// SPDX-License-Identifier: Apache-2.0
#include "store/segments.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <random>

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
  auto time = geo::format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("{}-{}-{}-{:08x}", time, host_name(), ::getpid(), std::random_device{}());
}

}  // namespace

std::string encode_record(std::string_view payload) { return fmt::format("{:016x} {}\n", xxh3_64(payload), payload); }

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
    const bool numeric = shaped && std::from_chars(line.data(), line.data() + kHashDigits, hash, 16).ptr == line.data() + kHashDigits;
    if (numeric && hash == xxh3_64(payload)) records.payloads.emplace_back(payload);
    else if (!line.empty()) ++records.damaged;
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
  bool torn = false;    // local: the last write failed half way
  std::chrono::steady_clock::time_point last_flush = std::chrono::steady_clock::now();

  void put_pending() {
    if (pending.empty()) return;
    store.put_bytes(pending, fmt::format("{}/{}-{:06}.seg", folder, stem, flushed));
    ++flushed;
    pending.clear();
    last_flush = std::chrono::steady_clock::now();
  }
};

SegmentWriter::SegmentWriter(Store& store, std::string folder) : impl_(new Impl{store, std::move(folder)}) {}

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
    if (std::chrono::steady_clock::now() - impl_->last_flush >= flush_interval) impl_->put_pending();
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

DecodedRecords read_segments(const Store& store, const std::string& folder) {
  DecodedRecords all;
  for (const auto& name : store.list(folder + "/")) {
    if (!name.ends_with(".seg")) continue;
    std::string bytes;
    try {
      bytes = store.get_bytes(name, kSegmentLimitBytes);
    } catch (const Error& error) {
      // Compacted away between listing and reading; the compacted segment holds its records.
      if (error.code() == ErrorCode::missing) continue;
      throw;
    }
    auto records = decode_records(bytes);
    all.damaged += records.damaged;
    for (auto& payload : records.payloads) all.payloads.push_back(std::move(payload));
  }
  return all;
}

void compact_segments(Store& store, const std::string& folder, const std::function<bool(std::string_view)>& keep) {
  std::vector<std::string> names;
  std::string joined;
  for (const auto& name : store.list(folder + "/")) {
    if (!name.ends_with(".seg")) continue;
    for (const auto& payload : decode_records(store.get_bytes(name, kSegmentLimitBytes)).payloads)
      if (keep(payload)) joined += encode_record(payload);
    names.push_back(name);
  }
  if (names.size() < 2) return;
  store.put_bytes(joined, fmt::format("{}/{}-compact.seg", folder, new_segment_stem()));
  for (const auto& name : names) store.remove(name);
}

}  // namespace geoloom::store
