// SPDX-License-Identifier: Apache-2.0
// Private to this folder: owners of GDAL's handles and the capture of its messages.
#pragma once

#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <gdal.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error/error.h"
#include "gdal/allowed_roots.h"
#include "gdal/dataset.h"

namespace geoloom::gdal {

struct CloseDataset {
  void operator()(GDALDatasetH handle) const { GDALClose(handle); }
};
using DatasetHandle = std::unique_ptr<void, CloseDataset>;

// A list of "NAME=value" options.
class Options {
 public:
  Options() = default;
  explicit Options(const std::vector<std::pair<std::string, std::string>>& items) {
    for (const auto& [name, value] : items) set(name, value);
  }
  void set(const std::string& name, const std::string& value) {
    list_.SetNameValue(name.c_str(), value.c_str());
  }
  char** get() { return list_.List(); }

 private:
  CPLStringList list_;
};

// A configuration option of this thread for as long as the object lives.
class ThreadOption {
 public:
  ThreadOption(const char* name, const char* value);
  ~ThreadOption();
  ThreadOption(const ThreadOption&) = delete;
  ThreadOption& operator=(const ThreadOption&) = delete;

 private:
  const char* name_;
  std::optional<std::string> previous_;
};

// For whoever reads over a network, GDAL or this folder itself (web_file.cpp). The environment
// wins.
void set_network_defaults();

// What a server's refusal means; nullopt for answers that are none.
std::optional<ErrorCode> code_of_status(int status);

// Collects what GDAL has to say in this thread while the object lives; nothing is printed. GDAL
// tells the answers of servers in debug messages only, so these are looked at for remote paths.
class Capture {
 public:
  explicit Capture(const std::string& path);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  bool failed() const { return failed_; }
  // Libraries warn, but go on with grey pixels, when a compressed block ends too early.
  bool data_missing() const { return data_missing_; }
  bool write_failed() const { return write_failed_; }
  // The most telling message; empty when there was none.
  const std::string& text() const { return text_; }
  // What a server's refusal means; nullopt when no server refused anything.
  std::optional<ErrorCode> remote_code() const { return remote_code_; }
  const std::string& remote_text() const { return remote_text_; }
  // No credentials were found: nothing was asked of the server, and GDAL says so elsewhere.
  bool without_credentials() const;

  // An error about `path` by what was captured: the server's refusal, a write that failed, a codec
  // that is not there, or else `otherwise`.
  Error error(ErrorCode otherwise, std::string message) const;

 private:
  static void CPL_STDCALL on_message(CPLErr level, CPLErrorNum number, const char* text);
  void note(CPLErr level, std::string_view text);
  void note_remote(std::string_view text);

  std::string path_;
  bool remote_;
  std::optional<ThreadOption> debug_;
  bool failed_ = false;
  bool data_missing_ = false;
  bool write_failed_ = false;
  std::string text_;
  std::optional<ErrorCode> remote_code_;
  std::string remote_text_;
};

// A path that GDAL takes for a file and nothing else. Throws Error(denied) for connection strings,
// chained virtual file systems, those that are not allowed,
// and for what lies outside of the allowed roots.
std::string checked_path(const std::string& path, Access access = Access::read);
// What the first bytes of a file look like: "TIFF", "a VRT document", "" when unknown.
std::string looks_like(std::string_view first_bytes);
// Throws why a path cannot be opened, as far as the file system or a server tells: missing, denied,
// unavailable, a folder. Gives the first bytes when it can be opened.
std::string first_bytes(const std::string& path, size_t count);
GDALDataType gdal_type(BufferType type);

}  // namespace geoloom::gdal
