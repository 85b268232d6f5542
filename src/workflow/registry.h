// SPDX-License-Identifier: Apache-2.0
// Which ops exist. Help, schema, reference pages and validation read only this.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "workflow/document.h"
#include "workflow/op.h"

namespace geoloom::workflow {

class Registry {
 public:
  using Maker = std::function<std::unique_ptr<Op>()>;
  void add(Maker maker);  // throws Error(internal) on a second op of that name
  std::unique_ptr<Op> make(const std::string& op) const;  // throws Error(invalid), nearest name
  bool has(const std::string& op) const;
  std::vector<std::string> names() const;  // sorted
  std::vector<OpSchema> schemas() const;

 private:
  struct Entry {
    std::string name;
    Maker maker;
  };
  std::vector<Entry> entries_;
};

}  // namespace geoloom::workflow
