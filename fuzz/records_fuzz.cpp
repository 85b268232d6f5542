// SPDX-License-Identifier: Apache-2.0
// Any bytes are a segment of records; any text is a receipt or none; any JSON is a run record, or a refusal.
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/receipts.h"
#include "workflow/run_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace geoloom;
  const std::string bytes(data, data + size);
  (void)store::decode_records(bytes);
  // What was encoded comes back, whatever stands around it.
  const auto line = bytes.substr(0, bytes.find('\n'));
  const auto decoded = store::decode_records(store::encode_record(line) + bytes);
  if (decoded.payloads.empty() || decoded.payloads.front() != line) __builtin_trap();
  (void)engine::receipt_from_text(bytes);
  const auto json = workflow::Json::parse(bytes, nullptr, false);
  if (json.is_discarded()) return 0;
  try {
    (void)workflow::run_record_from_json(json);
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): a refusal is a right answer
  }
  return 0;
}
