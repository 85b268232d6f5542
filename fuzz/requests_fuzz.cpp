// SPDX-License-Identifier: Apache-2.0
// Requests to a server: bodies of tasks (envelopes, tasks, median requests), addresses of tiles and
// queries. Built with libFuzzer from this file and src/serve.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/task_message.h"
#include "error/error.h"
#include "http/query.h"
#include "serve/delivery.h"
#include "serve/map_requests.h"
#include "serve/median_tasks.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Action>
void refusable(const Action& action, geoloom::ErrorCode how = geoloom::ErrorCode::invalid) {
  try {
    action();
  } catch (const geoloom::Error& error) {
    require(error.code() == how);
  }
}

void addresses(std::string_view text) {
  using namespace geoloom;
  refusable([&] { require(serve::tile_request(text).tile.exists()); }, ErrorCode::missing);
  refusable([&] {
    for (const auto& [name, value] : http::parse_query(text))
      for (const char c : name + value) require(static_cast<unsigned char>(c) >= ' ');
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace geoloom;
  const void* bytes = data;
  const std::string_view body(static_cast<const char*>(bytes), size);
  addresses(body);
  refusable([&] {
    const auto delivery = serve::read_delivery(body);
    refusable([&] {
      const auto task = engine::task_message_from_json(delivery.payload);
      const auto again = engine::task_message_from_json(engine::to_json(task));
      require(again.deduplication_id() == task.deduplication_id() && again.attempt == task.attempt);
    });
    refusable([&] {
      const auto request = serve::median_request_from_json(delivery.payload);
      require(request.x >= 0 && request.y >= 0 && request.width > 0 && request.height > 0);
      // Neither end of the window overflows.
      require(request.x + request.width > request.x && request.y + request.height > request.y);
      require(!request.datasets.empty() && !request.destination.empty());
    });
  });
  return 0;
}
