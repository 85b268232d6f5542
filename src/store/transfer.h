// SPDX-License-Identifier: Apache-2.0
// Copying, synchronising and removing objects between folders and buckets: first a plan, which can
// be shown, then the doing of exactly that. Paths are as for gdal::Dataset::open.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "error/error.h"

namespace geoloom::store {

struct Object {
  std::string name;  // below the place listed
  int64_t bytes = 0;
  int64_t modified_s = 0;
  std::string etag;  // buckets
};

// The object at `path`, by its own name, or those below it. A place that ends in the middle of a
// name is none: "/vsis3/b/pre" holds pre and pre/x, not prefix2. Throws Error(missing) when there
// is nothing.
std::vector<Object> list_objects(const std::string& path, bool recursive);

struct Transfer {
  enum class Kind { copy, remove };
  Kind kind = Kind::copy;
  std::string name;  // what to call it in messages
  std::string from;  // path; empty for removals
  std::string to;    // path that is written or removed
  int64_t bytes = 0;
  std::string etag;  // of `from`, as it was listed
};

struct TransferPlan {
  std::vector<Transfer> transfers;
  size_t unchanged = 0;
  int64_t bytes_to_copy() const;
  int64_t bytes_to_remove() const;
};

// One object, or with `recursive` all below `from`. A target that ends in '/' is a folder to copy
// into. Throws Error: missing (nothing at `from`), invalid (a place and a part of it).
TransferPlan plan_copy(const std::string& from, const std::string& to, bool recursive);
// Copies what is not at `to`, has another size, another MD5 where both tell theirs, or else is
// newer at `from`; with `remove_others` removes what `from` does not have.
TransferPlan plan_sync(const std::string& from, const std::string& to, bool remove_others);
// The object of exactly that name, with `recursive` also all below it.
TransferPlan plan_removal(const std::string& path, bool recursive);

struct TransferOptions {
  unsigned at_a_time = 4;
  int attempts = 3;  // of each object, where trying again may help
  // Called from the threads, one at a time.
  std::function<void(const Transfer&)> done;
  std::function<void(const Transfer&, const Error&)> failed;
};
// Carries the transfers out, removals after all copies, and none when a copy failed. A copy shows
// up whole, with its size and, where the target tells an MD5, its checksum verified. Returns how
// many failed.
size_t carry_out(const TransferPlan& plan, const TransferOptions& options);

}  // namespace geoloom::store
