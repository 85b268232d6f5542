// SPDX-License-Identifier: Apache-2.0
// Expressions over parameters and what steps report: any text is an expression or a refusal. What
// is one has a type or a refusal, and a value of that type, or none; written anew with its own
// references it has the same value.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "error/error.h"
#include "workflow/scalar_expression.h"

namespace {

namespace workflow = geoloom::workflow;

// Of every type, by the first letter of a reference; some are absent.
workflow::Scalar value_of(const workflow::ScalarReference& reference) {
  switch (reference.name.empty() ? 'a' : reference.name[0] % 8) {
    case 0:
      return {true};
    case 1:
      return {int64_t{7}};
    case 2:
      return {INT64_MIN};
    case 3:
      return {0.25};
    case 4:
      return {std::string("text")};
    case 5:
      return {std::string()};
    default:
      return {int64_t{0}};
  }
}

workflow::ScalarType type_of(const workflow::ScalarReference& reference) {
  switch (reference.name.empty() ? 'a' : reference.name[0] % 8) {
    case 0:
      return workflow::ScalarType::boolean;
    case 3:
      return workflow::ScalarType::number;
    case 4:
    case 5:
      return workflow::ScalarType::text;
    default:
      return workflow::ScalarType::integer;
  }
}

bool absent(const workflow::ScalarReference& reference) {
  return reference.name.size() % 3 == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  try {
    const workflow::ScalarExpression expression(text);
    (void)expression.check(type_of);
    const auto value = [](const auto& reference) {
      return absent(reference) ? workflow::Scalar{} : value_of(reference);
    };
    const auto result = expression.evaluate(value);
    const workflow::ScalarExpression again(
        expression.rewritten([](const auto& reference) { return "$" + reference.text(); }));
    (void)again.check(type_of);
    if (again.evaluate(value).absent() != result.absent()) std::abort();
  } catch (const geoloom::Error& error) {
    if (error.code() != geoloom::ErrorCode::invalid) std::abort();
    if (error.what()[0] == '\0') std::abort();
  }
  return 0;
}
