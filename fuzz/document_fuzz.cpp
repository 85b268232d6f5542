// SPDX-License-Identifier: Apache-2.0
// Any bytes are a workflow document or a refusal with a place. Built with libFuzzer:
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Isrc fuzz/document_fuzz.cpp
//     src/workflow/{value,parameters,document}.cpp src/error/{error,spelling}.cpp src/geo/time.cpp
//     -lyaml-cpp -lfmt -o document_fuzz
//   ./document_fuzz -max_len=8192 corpus tests/broken_documents examples
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "workflow/document.h"

namespace {

using geoloom::workflow::Document;
using geoloom::workflow::GivenParameter;

// The values given on the command line come from the same bytes: the first declared parameter
// gets the document's last line.
std::map<std::string, GivenParameter> given_for(const Document& document, std::string_view text) {
  if (document.params.empty()) return {};
  const auto last = text.substr(text.rfind('\n') + 1);
  return {{document.params.front().name,
           {geoloom::workflow::parse_yaml_scalar(last, "command line"), "command line"}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  try {
    auto document = geoloom::workflow::parse_document(text, "fuzz.yaml");
    auto defaults = document;
    geoloom::workflow::resolve(document, given_for(document, text));
    geoloom::workflow::resolve(defaults, {});
  } catch (const geoloom::Error& error) {
    if (error.code() != geoloom::ErrorCode::invalid) std::abort();
    if (error.what()[0] == '\0') std::abort();
  }
  return 0;
}
