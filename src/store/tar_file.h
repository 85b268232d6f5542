// SPDX-License-Identifier: Apache-2.0
// Small sets of named texts in one tar file: what a run is exported as. libarchive is included
// here and in zip_file only.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace geoloom::store {

// By name.
using NamedTexts = std::map<std::string, std::string>;

// A POSIX tar file with these as plain files, in order of name; the same bytes for the same texts.
// Appears under its name when it is whole. Throws Error: denied, resource.
void write_tar_file(const std::string& path, const NamedTexts& texts);
// The plain files of a tar file, compressed or not; they come as texts, and nothing is put on disk.
// Throws Error(corrupt) for what is no whole tar file, and Error(denied) for what an honest export
// does not have: names that lead out of a folder, links, devices, one name twice, or more than
// `limit_bytes` in all.
NamedTexts read_tar_file(const std::string& path, size_t limit_bytes);

}  // namespace geoloom::store
