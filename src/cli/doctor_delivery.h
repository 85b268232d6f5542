// SPDX-License-Identifier: Apache-2.0
// The part of `geoloom doctor` that looks at a push queue and its workers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/delivery_check.h"

namespace geoloom::cli {

struct DeliveryArguments {
  std::string subscription, worker;
  DeliverySettings settings;

  void add_to(CLI::App& command);
  bool given() const { return !subscription.empty() || !worker.empty(); }
};

// Prints what was found, as text or JSON; returns the exit code: 3 when items would be lost.
int report_delivery(const DeliveryArguments& arguments, bool json);

}  // namespace geoloom::cli
