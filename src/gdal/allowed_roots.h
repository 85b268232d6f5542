// SPDX-License-Identifier: Apache-2.0
// The places a process may read and write. A person at the command line may name any; a server
// restricts itself once, at its start, because the names come from whoever reaches it.
//
// The restriction holds at the bottom: every path that this folder, and so GDAL, is given passes
// it, and so does every name of a folder store. It does not cover what was named by whoever started
// the process (the libraries' own data, the document on the command line), nor where a server of an
// allowed https:// root redirects to, nor links that somebody with access to an allowed folder
// changes between the check and the opening.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::gdal {

// Roots are local folders or files, or address prefixes: s3://bucket/prefix, gs://bucket/prefix,
// az://container/prefix, https://host/path. A prefix ends at the end of a path part: s3://b/pre
// admits s3://b/pre/x, not s3://b/prefix2. An http(s) root that ends in '?' admits query strings
// (signed addresses); others refuse them. What may be written may be read.
struct AllowedRoots {
  std::vector<std::string> read;
  std::vector<std::string> write;
  // Whether netCDF, HDF5 and Zarr may be opened. Their libraries are much code, and an HDF5 file can
  // name others, anywhere on the machine, as places of its pixels: no root holds it back.
  bool array_files = false;
};

enum class Access { read, write };

// The rules alone, without effect on the process.
//
// Local paths are compared after symbolic links and ".." are resolved. Addresses are compared part
// by part: scheme and host in lower case, default port removed, percent-encoding decoded. Refused
// in any case, because servers disagree on what they mean: user names, fragments, "..", encoded
// slashes, what is encoded twice, backslashes and control characters.
class AccessRules {
 public:
  // Throws Error(invalid) for a root that is none.
  explicit AccessRules(const AllowedRoots& roots);
  AccessRules(const AccessRules&) = delete;
  AccessRules& operator=(const AccessRules&) = delete;
  ~AccessRules();
  // `href` as in a document: a local path, file://, s3://, gs://, az://, http(s)://, or GDAL's name
  // of one of them. Throws Error(denied) with the path and the roots there are.
  void check(const std::string& href, Access access) const;
  bool admits_array_files() const { return array_files_; }

 private:
  struct Place;
  struct Root;
  static Place place_of(const std::string& href);
  static Root root_of(const std::string& text);
  std::vector<Root> read_, write_;
  bool array_files_ = false;
};

// The rules hold for the whole process while this lives. There can be one at a time; make it before
// threads that open files.
class AccessRestriction {
 public:
  explicit AccessRestriction(const AllowedRoots& roots);
  AccessRestriction(const AccessRestriction&) = delete;
  AccessRestriction& operator=(const AccessRestriction&) = delete;
  ~AccessRestriction();

 private:
  std::unique_ptr<const AccessRules> rules_;
};

// A folder the process made for itself (scratch): it may be read and written whatever the
// restriction says, but nobody may name it: check_readable and check_writable do not know it.
class OwnFolder {
 public:
  explicit OwnFolder(const std::string& path);
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder();

 private:
  std::string path_;
};

// For names that come from outside, before anything is done with them. Throw Error(denied); without
// a restriction they do nothing.
void check_readable(const std::string& href);
void check_writable(const std::string& href);

// The same with the process's own folders let through: for who is about to open the path.
void check_access(const std::string& path, Access access);

// Throws Error(denied) where a restriction does not admit netCDF, HDF5 and Zarr.
void check_array_files_admitted(const std::string& path);

}  // namespace geoloom::gdal
