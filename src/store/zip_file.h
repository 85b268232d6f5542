// SPDX-License-Identifier: Apache-2.0
// Files that are several files: zips whose members are stored as they are, so that other programs
// take them out (tables as .npz, models with their cards). The same members give the same bytes.
// Members are written and read in pieces; none needs to fit into memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace geoloom::store {

// The file appears under its name when close() has returned. Throws Error: denied, resource.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path);
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;
  ~ZipWriter();  // without close(): nothing is left

  // The next member: exactly `bytes` bytes have to be written to it. Names are plain ones of
  // letters, digits and "._/-".
  void begin(const std::string& name, uint64_t bytes);
  void write(const void* data, size_t bytes);
  void add(const std::string& name, std::string_view content);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ZipMember {
  std::string name;
  uint64_t bytes = 0;  // as the file says; reading may find that it is not so
};

// The members of a zip, stored or deflated. Nothing in it is trusted: names that lead out of a
// folder, links, encrypted members, one name twice or more than kMostZipMembers are refused with
// Error(denied); what is no whole zip is Error(corrupt), an absent file Error(missing).
inline constexpr size_t kMostZipMembers = 10'000;

class ZipReader {
 public:
  explicit ZipReader(const std::string& path);
  // Of a zip that is in memory; `path` is its place in messages.
  ZipReader(std::string bytes, const std::string& path);
  const std::string& path() const { return path_; }
  const std::vector<ZipMember>& members() const { return members_; }
  const ZipMember* find(const std::string& name) const;  // null: not there
  // The whole member. Throws Error(missing) without it, and Error(denied) where it is longer than
  // `limit_bytes`.
  std::string text(const std::string& name, uint64_t limit_bytes) const;

 private:
  friend class ZipMemberStream;
  void list_members();

  std::string path_;
  std::shared_ptr<const std::string> bytes_;  // null: in the file
  std::vector<ZipMember> members_;
};

// One member, from its beginning to its end; its checksum is verified at the end.
class ZipMemberStream {
 public:
  // Throws Error(missing) where there is none of that name.
  ZipMemberStream(const ZipReader& zip, const std::string& name);
  ZipMemberStream(ZipMemberStream&&) noexcept;
  ZipMemberStream& operator=(ZipMemberStream&&) noexcept;
  ~ZipMemberStream();
  // Up to `bytes`; fewer only at the end. Throws Error(corrupt).
  size_t read(void* to, size_t bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoloom::store
