// SPDX-License-Identifier: Apache-2.0
// Tables of samples from outside: any bytes are an array, a text table, a zip of arrays, or a
// refusal. The first byte says which, and of texts how they are read.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "error/error.h"
#include "learn/npy.h"
#include "learn/table_file.h"
#include "learn/text_table.h"
#include "store/zip_file.h"

namespace {

namespace learn = geoloom::learn;
using geoloom::Error;
using geoloom::ErrorCode;

constexpr uint64_t kLimit = 1 << 22;

// Bytes under a name, in memory.
class File {
 public:
  explicit File(std::string_view bytes) : fd_(memfd_create("table", MFD_CLOEXEC)) {
    if (fd_ < 0 || write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::abort();
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void read_array(std::string_view bytes) {
  size_t at = 0;
  learn::NpyReader reader(
      [&](void* to, size_t count) {
        const size_t got = std::min(count, bytes.size() - at);
        std::memcpy(to, bytes.data() + at, got);
        at += got;
        return got;
      },
      "a.npy");
  std::vector<int64_t> whole(std::min<uint64_t>(reader.left(), 100));
  reader.read(std::span(whole));
  std::vector<float> numbers(std::min<uint64_t>(reader.left(), 1000));
  reader.read(std::span(numbers));
}

void read_text(std::string_view bytes, unsigned char choice) {
  learn::TextColumns columns;
  if ((choice & 8) != 0) columns.label = "a";
  if ((choice & 16) != 0) columns.date = "b";
  if ((choice & 32) != 0) columns.group = "c";
  if ((choice & 64) != 0) columns.features = {"d"};
  const File file(bytes);
  const auto table = learn::read_text_table(file.path(), columns, kLimit);
  check(table);
}

void read_zip(std::string_view bytes) {
  const File file(bytes);
  const geoloom::store::ZipReader zip(file.path());
  for (const auto& member : zip.members()) (void)zip.text(member.name, kLimit);
  const auto table = learn::read_table(file.path(), kLimit);
  check(table);
  // What can be read whole can be read in parts, which agree.
  const auto rest = learn::read_table_without_features(file.path(), kLimit);
  if (rest.rows != table.rows || !rest.features.empty()) std::abort();
  for (size_t feature = 0; feature < table.schema.features.size(); ++feature)
    if (learn::read_feature(file.path(), feature).size() != table.rows) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] % 4 == 0)
      read_array(bytes);
    else if (data[0] % 4 == 1)
      read_zip(bytes);
    else
      read_text(bytes, data[0]);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal || error.what()[0] == '\0') std::abort();
  }
  return 0;
}
