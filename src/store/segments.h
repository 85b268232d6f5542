// SPDX-License-Identifier: Apache-2.0
// Append-only checksummed records: receipts and attempts. One writer per process and kind; a local
// store appends to a file and syncs it, an object store puts one object per flush.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace geoloom::store {

// A record is one line: 16 hex digits of XXH3-64 of the payload, a space, the payload (JSON without
// line breaks), '\n'. A torn or altered line is skipped and counted; the lines after it are read.
std::string encode_record(std::string_view payload);
struct DecodedRecords {
  std::vector<std::string> payloads;
  size_t damaged = 0;
};
DecodedRecords decode_records(std::string_view segment);

class SegmentWriter {
 public:
  // Segments are named "<folder>/<utc>-<host>-<pid>-<random>[-<n>].seg". Nothing is created before
  // the first append.
  SegmentWriter(Store& store, std::string folder);
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter();  // flushes; an error then is lost, so call flush() first
  // Thread-safe. Local: the record is on disk when this returns. Object store: it is durable at the
  // next flush, which happens here when the last one is more than flush_interval ago.
  void append(std::string_view payload);
  void flush();
  std::chrono::milliseconds flush_interval{1000};

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// All records of all segments in a folder, segments in name order.
DecodedRecords read_segments(const Store& store, const std::string& folder);
// Reads a folder again and again, each time what is new: segments that appeared, and the records
// that were added to local ones. A line under way is left for the next time.
class SegmentReader {
 public:
  SegmentReader(const Store& store, std::string folder);
  DecodedRecords read_new();

 private:
  bool read_listed(DecodedRecords& all);
  void read_objects(const std::vector<std::string>& names, DecodedRecords& all);
  void read_segment(const std::string& name, DecodedRecords& all);

  const Store& store_;
  std::string folder_;
  std::map<std::string, size_t> consumed_;  // bytes by segment
};

// Replaces the segments by one; safe against readers, which may see a record twice meanwhile, and
// against writers of new segments, but not against one that appends to a local segment. Of use on
// object stores after a step. `keep` decides per payload.
void compact_segments(Store& store, const std::string& folder,
                      const std::function<bool(std::string_view)>& keep);

}  // namespace geoloom::store
