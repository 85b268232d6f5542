// SPDX-License-Identifier: Apache-2.0
// What a route makes of a request: work that is done once, however often it is asked for at a time.
#pragma once

#include <functional>
#include <string>

#include "serve/delivery.h"
#include "workflow/parameters.h"

namespace geoloom::serve {

struct Job {
  std::string key;              // equal for equal work
  workflow::OrderedJson facts;  // for the journal: which task
  // Does it and returns further facts, or throws Error. What it made is durable when it returns.
  std::function<workflow::OrderedJson()> work;
};

// One kind of task.
class TaskRoute {
 public:
  virtual ~TaskRoute() = default;
  virtual std::string path() const = 0;
  // Checks what can be checked without reading anything. Throws Error(invalid|denied).
  virtual Job accept(const Delivery& delivery) = 0;
};

}  // namespace geoloom::serve
