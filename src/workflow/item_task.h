// SPDX-License-Identifier: Apache-2.0
// Tasks that work on each item by itself and read no layer: they may run over tiles and windows,
// what they read is looked up once when a run is created, and an item they have nothing for is
// empty. The engine opens what freeze() found and asks it item by item.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workflow/op.h"

namespace geoloom::workflow {

// What freeze() found, open. Thread-safe.
class ItemWork {
 public:
  virtual ~ItemWork() = default;
  // The canonical identity of all that the item is made of, for its fingerprint; nullopt: of
  // nothing, and run() is not called.
  virtual std::optional<std::string> identity(const Item& item) const = 0;
  // nullopt: there is nothing in it after all, and the item is empty.
  virtual std::optional<Product> run(const TaskContext& context) const = 0;
};

class ItemTaskOp : public TaskOp {
 public:
  // Once per run; the result is stored in the run record and is all a worker needs. Throws
  // Error(empty) when there is nothing at all.
  virtual Json freeze(const std::vector<Zone>& zones, FreezeReport& report) const = 0;
  virtual std::unique_ptr<ItemWork> open(const Json& frozen,
                                         const std::vector<Zone>& zones) const = 0;

  std::vector<std::string> layers_read() const final { return {}; }
  // Not called: see ItemWork.
  Product run(const TaskContext& context) const final;
};

}  // namespace geoloom::workflow
