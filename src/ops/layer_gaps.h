// SPDX-License-Identifier: Apache-2.0
// Items of a layer that have no result, for ops that gather all of them.
#pragma once

#include <string>
#include <vector>

#include "workflow/op.h"

namespace geoloom::ops {

class LayerGaps {
 public:
  explicit LayerGaps(std::string layer) : layer_(std::move(layer)) {}
  void add(const workflow::Layers::Entry& entry);
  size_t count() const { return missing_.size(); }
  // Throws Error(missing) when there are any. `remedy` is what may be written to go on without.
  void refuse(const std::string& remedy) const;
  // Tells the user when there are any: "...; left invalid".
  void note(const std::string& treatment, const workflow::TaskContext& context) const;

 private:
  std::string text() const;

  const std::string layer_;
  std::vector<std::string> missing_;
  size_t items_ = 0;
};

}  // namespace geoloom::ops
