// SPDX-License-Identifier: Apache-2.0
// POST /median: a window of a series of true-colour scenes as one file, without a run:
//
//   {"window": [x, y, width, height], "destination": URL, "datasets": [URL, ...]}
//
// The rule is that of median_rgb: samples with 0 or 255 in any band are left out; ties keep the
// order of the datasets. The window counts pixels from the upper left corner of the first dataset,
// whose grid and CRS the file has. The same request writes the same bytes, so a redelivery does no
// harm; the file appears whole or not at all.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "engine/machine.h"
#include "serve/job.h"
#include "store/store.h"
#include "workflow/registry.h"

namespace geoloom::serve {

// As the route takes it apart.
struct MedianRequest {
  int64_t x = 0, y = 0, width = 0, height = 0;
  std::string destination;
  std::vector<std::string> datasets;
};
// Throws Error(invalid) for what no archive could make right: keys that are missing or mistyped,
// a window without pixels or with negative numbers, no dataset or one that is named twice.
MedianRequest median_request_from_json(const workflow::Json& json);

class MedianTasks final : public TaskRoute {
 public:
  // `profile`: how files are encoded, as in `save: {profile: ...}`. Throws Error(invalid) for one
  // that is wrong.
  MedianTasks(const workflow::Registry& registry, engine::Machine& machine, workflow::Json profile,
              unsigned at_once, const std::atomic<bool>& stop);
  std::string path() const override;
  Job accept(const Delivery& delivery) override;

 private:
  // A folder or prefix that results go to.
  struct Destination {
    std::string url;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Scratch> scratch;
  };
  std::shared_ptr<Destination> destination(const std::string& folder);
  workflow::OrderedJson carried_out(const MedianRequest& request);

  const workflow::Registry& registry_;
  engine::Machine& machine_;
  const workflow::Json profile_;
  const unsigned at_once_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Destination>> recent_;
};

}  // namespace geoloom::serve
