// SPDX-License-Identifier: Apache-2.0
// What classes of a map are called: values and names, as a document gives them or a band carries
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "raster/cube.h"

namespace geoloom::ops {

class ClassNames {
 public:
  ClassNames() = default;
  // Keys are values: "1". Throws Error(invalid) for other keys and for names used twice;
  // `parameter` is what messages call it.
  ClassNames(const std::map<std::string, std::string>& names, const std::string& parameter);

  // These, or those that the band carries where the document gives none.
  ClassNames or_of(const raster::Band& band) const;

  // Gives a band these names, if there are any; it holds classes then. Throws Error(invalid) for
  // values that its type cannot hold; `parameter` as above.
  void give_to(raster::Band& band, const std::string& parameter) const;

  bool empty() const { return names_.empty(); }
  const std::map<int64_t, std::string>& by_value() const { return names_; }
  // The value as a text where it has no name.
  std::string name(int64_t value) const;

 private:
  std::map<int64_t, std::string> names_;
};

}  // namespace geoloom::ops
