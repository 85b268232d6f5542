// SPDX-License-Identifier: Apache-2.0
#include "engine/breaker.h"

#include "engine/failure_causes.h"

namespace geoloom::engine {

std::optional<Breaker::Cause> Breaker::failed(const std::string& item, const Error& error,
                                              const std::string& now) {
  if (!policy_ || tripped_) return std::nullopt;
  const auto key = cause_key(error, item);
  in_a_row_ = key == last_ ? in_a_row_ + 1 : 1;
  last_ = key;
  auto& cause = causes_[key];
  if (cause.items++ == 0) {
    cause.since = now;
    cause.code = traits(error.code()).name;
    cause.message = error.message();
    cause.hint = error.hint();
  }
  const auto fewest = static_cast<size_t>(policy_->in_a_row);
  const bool many =
      cause.items >= fewest && items_ > 0 && cause.items >= policy_->share.at_least(items_);
  if (in_a_row_ < fewest && !many) return std::nullopt;
  tripped_ = true;
  return cause;
}

void Breaker::made() {
  in_a_row_ = 0;
  last_.clear();
}

}  // namespace geoloom::engine
