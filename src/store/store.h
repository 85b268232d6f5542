// SPDX-License-Identifier: Apache-2.0
// Where results live: a folder or a bucket prefix. The only promise is the one both can keep: a put
// makes a whole object visible at once, or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gdal/allowed_roots.h"

namespace geoloom::store {

// Names are relative, '/'-separated, of [A-Za-z0-9._=+-]; "..", empty parts and absolute names are
// refused with Error(denied).
class Store {
 public:
  virtual ~Store() = default;
  // Moves (local) or uploads a finished local file to `name`, atomically; the scratch file is gone
  // afterwards. Throws Error: denied (not writable), resource (disk full), unavailable.
  virtual void put_file(const std::string& scratch_path, const std::string& name) = 0;
  virtual void put_bytes(std::string_view bytes, const std::string& name) = 0;
  // Another name for the same bytes, visible at once: a link in a folder, which is on disk when
  // something was put into that folder afterwards; a copy in a bucket. Replaces what is there.
  virtual void copy(const std::string& name, const std::string& to) = 0;
  // Adds to the end of `name`, on disk when this returns. Local stores only; see SegmentWriter.
  virtual void append_record(std::string_view bytes, const std::string& name) = 0;
  virtual std::string get_bytes(const std::string& name, size_t limit_bytes) const = 0;
  virtual std::optional<int64_t> size_of(const std::string& name) const = 0;   // nullopt: not there
  virtual std::vector<std::string> list(const std::string& prefix) const = 0;  // names, sorted
  virtual void remove(const std::string& name) = 0;
  // What GDAL and people open: a local path or /vsis3/bucket/key.
  virtual std::string path_of(const std::string& name) const = 0;
  virtual const std::string& url() const = 0;  // "out/t31tcj" or "s3://bucket/prefix"
  virtual bool local() const = 0;
};

// A folder (made when absent), s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.
// http(s):// is for reading: Error(invalid). Checks that it can be written to:
// Error(denied) names the path and the reason.
std::unique_ptr<Store> open_store(const std::string& url);

// A private folder for unfinished files, removed with everything in it at the end. Folders of dead
// processes are removed when a new one is made beside them.
class Scratch {
 public:
  explicit Scratch(const std::string& parent);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  const std::string& path() const { return path_; }
  std::string file(std::string_view stem) const;  // a new name in the folder, unique in the process

 private:
  bool make(const std::string& parent, bool last_attempt);  // false: lost to a cleaner
  std::string path_;
  std::unique_ptr<gdal::OwnFolder> own_;
  int lock_fd_ = -1;  // flock: tells a live owner from a dead one
};
// A folder within, for the unfinished files of one attempt: attempts may give theirs equal names.
class ScratchFolder {
 public:
  explicit ScratchFolder(const Scratch& scratch);
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};
// Below TMPDIR, or /tmp.
std::string remote_scratch_parent();
// Beside the data for a local store (renames must not cross file systems), TMPDIR for a remote one.
std::string scratch_parent(const Store& store);

}  // namespace geoloom::store
