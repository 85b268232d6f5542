// SPDX-License-Identifier: Apache-2.0
// Event files of TensorBoard, so that its viewers show what runs measured. The format is TFRecord
// (length, masked CRC-32C of it, data, masked CRC-32C of that) with messages of event.proto and
// summary.proto; only single values are written, as TensorBoard's own scalar summaries of
// version 1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace geoloom::engine {

struct ScalarPoint {
  std::string tag;
  int64_t step = 0;
  double wall_time_s = 0;  // since 1970
  float value = 0;         // TensorBoard holds no more digits
};

// The bytes of an event file: what says that it is one, then the points in their order.
std::string tensorboard_events(const std::vector<ScalarPoint>& points);
// "events.out.tfevents.<seconds>.<host>": names that TensorBoard looks for.
std::string tensorboard_file_name(int64_t seconds, const std::string& host);

}  // namespace geoloom::engine
