// SPDX-License-Identifier: Apache-2.0
// The pictures of a run's report: quicklooks that the run made, else small previews of its rasters.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/run_report.h"

namespace geoloom::engine {

// Remembers what it made, so that a report written again and again reads each file once. Made for a
// few pictures: a report shows what the results look like, not all of them.
class ReportPictures {
 public:
  explicit ReportPictures(const store::Store& store) : store_(store) {}
  // Called for each receipt, in any order; takes what there is room for.
  void offer(const Receipt& receipt);
  // Of what was offered: quicklooks first, previews of other layers if there is room. A file that
  // cannot be read is left out.
  const std::vector<ReportPicture>& pictures();

 private:
  struct Candidate {
    std::string item;
    Output output;
  };
  bool wanted(const Output& output) const;
  void draw(const Candidate& candidate);

  const store::Store& store_;
  std::map<std::string, std::vector<Candidate>> by_layer_;
  std::set<std::string> drawn_;
  std::vector<ReportPicture> pictures_;
  size_t bytes_ = 0;
};

}  // namespace geoloom::engine
