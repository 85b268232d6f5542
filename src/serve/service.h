// SPDX-License-Identifier: Apache-2.0
// The server: takes tasks by HTTP, carries them out a few at a time, and answers when each is done
// (what an answer means is a table in docs/push-worker.md); and shows resources, such as maps, to
// who may look.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/server.h"
#include "serve/authentication.h"
#include "serve/job.h"
#include "serve/journal.h"
#include "serve/resource.h"
#include "serve/task_gate.h"
#include "store/segments.h"

namespace geoloom::serve {

struct ServiceOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;
  http::ServerLimits limits;
  TaskGate::Limits gate;
  // The same of resources: many clients ask for many small things at a time.
  TaskGate::Limits looking{.running = 1, .waiting = 1024, .patience = std::chrono::seconds(10)};
  // Queues that count every answer but 2xx as a failed delivery would deliver a task again that
  // cannot succeed. With this such a task is answered 200, once its failure has been recorded.
  bool acknowledge_permanent = false;
};

// Tasks that were given up, "refused/*.seg" in a store: the payload and why.
class RefusalRecord {
 public:
  explicit RefusalRecord(store::Store& store) : writer_(store, "refused") {}
  // Durable when it returns; throws Error.
  void write(const Delivery& delivery, const std::string& path, const Error& error);

 private:
  store::SegmentWriter writer_;
};

class Service {
 public:
  // Listens when this returns. All that is referred to outlives the service. `refusals` may be null
  // unless permanent failures are acknowledged. Throws Error as http::Server does.
  Service(const ServiceOptions& options, const Authentication& authentication,
          std::vector<std::unique_ptr<TaskRoute>> routes,
          std::vector<std::unique_ptr<Resource>> resources, RefusalRecord* refusals,
          Journal& journal);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  uint16_t port() const;
  // From here on tasks are refused with 503; waits for those under way and for their answers to
  // leave. False when some still run at `until`: set their stop flag, and they end refused as well.
  bool drain(TaskGate::Clock::time_point until);
  uint64_t tasks_done() const { return done_.load(); }
  uint64_t tasks_failed() const { return failed_.load(); }

 private:
  struct Flight;
  std::optional<http::Answer> admit(const http::IncomingRequest& head);
  void handle(http::IncomingRequest request, http::Server::Respond respond);
  std::optional<http::Answer> admit_to_look(const http::IncomingRequest& head) const;
  std::optional<http::Answer> turned_away(const http::IncomingRequest& head) const;
  void show(const Resource& resource, http::IncomingRequest request, http::Server::Respond respond);
  http::Answer shown(const Resource& resource, const http::IncomingRequest& request);
  void take(TaskRoute& route, http::IncomingRequest request, http::Server::Respond respond);
  void start(TaskRoute& route, Delivery delivery, http::Server::Respond respond);
  void carry_out(const std::string& path, const std::shared_ptr<Flight>& flight);
  http::Answer failure(const std::string& path, const Delivery& delivery, const Error& error,
                       workflow::OrderedJson facts);
  static http::Answer held_back(const Error& error);
  http::Answer refusal(TaskGate::Refusal why) const;
  void land(const std::shared_ptr<Flight>& flight, const http::Answer& answer);
  http::Answer health() const;
  http::Answer readiness() const;
  TaskRoute* route_of(const std::string& path) const;
  const Resource* resource_of(const std::string& path) const;

  const ServiceOptions options_;
  const Authentication& authentication_;
  const std::vector<std::unique_ptr<TaskRoute>> routes_;
  const std::vector<std::unique_ptr<Resource>> resources_;
  RefusalRecord* const refusals_;
  Journal& journal_;
  std::atomic<bool> draining_{false};
  std::atomic<uint64_t> done_{0}, failed_{0};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;  // by job key
  std::unique_ptr<TaskGate> gate_, looking_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace geoloom::serve
