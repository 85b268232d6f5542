// SPDX-License-Identifier: Apache-2.0
// Documents of several files: the bytes, cut at lines of "%%", are the document and the files it
// includes or takes components from, a, b, c, in their order. Any of them is a document or a
// refusal with a place, and the record of what was read is enough to read it again.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "workflow/document.h"

namespace {

constexpr std::string_view kCut = "\n%%\n";
constexpr size_t kMostFiles = 6;

// "a.yaml" ... by their order; every name that a document may use for them is known.
std::map<std::string, std::string> files_in(std::string_view text) {
  std::map<std::string, std::string> files;
  for (size_t count = 0; count < kMostFiles; ++count) {
    const auto cut = text.find(kCut);
    if (cut == std::string_view::npos) break;
    text.remove_prefix(cut + kCut.size());
    const auto name = std::string(1, static_cast<char>('a' + count)) + ".yaml";
    files[name] = text.substr(0, text.find(kCut));
    files["parts/" + name] = files[name];
  }
  return files;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto files = files_in(text);
  const std::string main(text.substr(0, text.find(kCut)));
  try {
    auto document = geoloom::workflow::parse_document(main, "fuzz.yaml", &files);
    auto again = geoloom::workflow::parse_document(main, "fuzz.yaml", &document.files);
    if (again.files != document.files || again.steps.size() != document.steps.size()) std::abort();
    if (!document.profiles.empty()) document.profile = document.profiles.begin()->first;
    geoloom::workflow::resolve(document, {});
  } catch (const geoloom::Error& error) {
    // A file that is not among these is not in the record.
    if (error.code() != geoloom::ErrorCode::invalid && error.code() != geoloom::ErrorCode::corrupt)
      std::abort();
    if (error.what()[0] == '\0') std::abort();
  }
  return 0;
}
