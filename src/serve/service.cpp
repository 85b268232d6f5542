// SPDX-License-Identifier: Apache-2.0
#include "serve/service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/item_handler.h"

namespace geoloom::serve {
namespace {

using workflow::OrderedJson;

constexpr size_t kLargestRecordedPayload = size_t{256} << 10;
constexpr std::chrono::seconds kLastAnswers{2};
constexpr const char* kJson = "application/json";

http::Answer json_answer(int status, const OrderedJson& body) {
  return {
      status, kJson, body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n", {}};
}

http::Answer error_answer(int status, const Error& error) {
  auto json = error_json(error);
  // It would list the places of this machine.
  if (error.code() == ErrorCode::denied) json["hint"] = "";
  return json_answer(status, {{"error", std::move(json)}});
}

// A task that fails like this fails again, wherever and whenever it is tried.
bool permanent(ErrorCode code) {
  return code == ErrorCode::invalid || code == ErrorCode::missing || code == ErrorCode::corrupt ||
         code == ErrorCode::empty;
}

int status_of(ErrorCode code) {
  if (permanent(code) || code == ErrorCode::denied) return 422;
  return code == ErrorCode::cancelled ? 503 : 500;
}

// Of requests that look: what is wrong with the request, with what is behind it, or with us.
int looked_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return 400;
    case ErrorCode::denied:
      return 403;
    case ErrorCode::missing:
      return 404;
    case ErrorCode::unavailable:
      return 502;
    case ErrorCode::resource:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

void RefusalRecord::write(const Delivery& delivery, const std::string& path, const Error& error) {
  auto payload = delivery.payload.dump(-1, ' ', false, workflow::Json::error_handler_t::replace);
  if (payload.size() > kLargestRecordedPayload) payload.resize(kLargestRecordedPayload);
  const OrderedJson record{{"geoloom_refusal", 1},
                           {"time", engine::now_text()},
                           {"path", path},
                           {"message_id", delivery.message_id},
                           {"attempt", delivery.attempt},
                           {"error", error_json(error)},
                           {"payload", payload}};
  writer_.append(record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
  writer_.flush();
}

// One job under way, and all who asked for it meanwhile.
struct Service::Flight {
  Job job;
  Delivery delivery;
  TaskGate::Clock::time_point arrived = TaskGate::Clock::now();
  std::vector<http::Server::Respond> waiting;
};

Service::Service(const ServiceOptions& options, const Authentication& authentication,
                 std::vector<std::unique_ptr<TaskRoute>> routes,
                 std::vector<std::unique_ptr<Resource>> resources, RefusalRecord* refusals,
                 Journal& journal)
    : options_(options),
      authentication_(authentication),
      routes_(std::move(routes)),
      resources_(std::move(resources)),
      refusals_(refusals),
      journal_(journal),
      gate_(std::make_unique<TaskGate>(options.gate)),
      looking_(std::make_unique<TaskGate>(options.looking)) {
  server_ = std::make_unique<http::Server>(
      options.address, options.port, options.limits,
      [this](const http::IncomingRequest& head) { return admit(head); },
      [this](http::IncomingRequest request, http::Server::Respond respond) {
        handle(std::move(request), std::move(respond));
      });
}

Service::~Service() {
  draining_.store(true);
  for (auto* gate : {gate_.get(), looking_.get()}) {
    gate->close();
    while (!gate->wait_until_idle(TaskGate::Clock::now() + std::chrono::hours(1))) {
    }
  }
  // Its threads use the gate until it is gone.
  server_.reset();
}

uint16_t Service::port() const {
  return server_->port();
}

TaskRoute* Service::route_of(const std::string& path) const {
  for (const auto& route : routes_)
    if (route->path() == path) return route.get();
  return nullptr;
}

const Resource* Service::resource_of(const std::string& path) const {
  for (const auto& resource : resources_)
    if (resource->serves(path)) return resource.get();
  return nullptr;
}

std::optional<http::Answer> Service::turned_away(const http::IncomingRequest& head) const {
  const auto why = authentication_.refusal(head);
  if (why.empty()) return std::nullopt;
  journal_.log(Severity::warning, "a request was not let in",
               {{"why", why}, {"path", head.path}, {"peer", head.peer}});
  auto answer = error_answer(401, Error(ErrorCode::denied, "this needs a valid bearer token"));
  answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

// A browser asks without its token whether another site's page may ask with it.
std::optional<http::Answer> Service::admit_to_look(const http::IncomingRequest& head) const {
  if (head.method == "OPTIONS") return std::nullopt;
  if (auto answer = turned_away(head)) return answer;
  if (head.method == "GET" || head.method == "HEAD") return std::nullopt;
  return http::Answer{405, "", "", {{"Allow", "GET, HEAD, OPTIONS"}}};
}

std::optional<http::Answer> Service::admit(const http::IncomingRequest& head) {
  if (head.path == "/healthz" || head.path == "/readyz") {
    if (head.method == "GET" || head.method == "HEAD") return std::nullopt;
    return http::Answer{405, "", "", {{"Allow", "GET, HEAD"}}};
  }
  if (resource_of(head.path) != nullptr) return admit_to_look(head);
  if (auto answer = turned_away(head)) return answer;
  if (!route_of(head.path)) {
    std::vector<std::string> paths;
    for (const auto& route : routes_) paths.push_back(route->path());
    auto nothing = Error(ErrorCode::missing, "there is nothing at this path");
    if (!paths.empty()) nothing.hint(fmt::format("tasks go to {}", fmt::join(paths, " or ")));
    return error_answer(404, nothing);
  }
  if (head.method != "POST") return http::Answer{405, "", "", {{"Allow", "POST"}}};
  return std::nullopt;
}

void Service::handle(http::IncomingRequest request, http::Server::Respond respond) {
  if (request.path == "/healthz") return respond(health());
  if (request.path == "/readyz") return respond(readiness());
  if (const auto* resource = resource_of(request.path))
    return show(*resource, std::move(request), std::move(respond));
  // admit() has let through nothing else.
  auto& route = *route_of(request.path);
  take(route, std::move(request), std::move(respond));
}

void Service::show(const Resource& resource, http::IncomingRequest request,
                   http::Server::Respond respond) {
  if (request.method == "OPTIONS")
    return respond({204,
                    "",
                    "",
                    {{"Access-Control-Allow-Origin", "*"},
                     {"Access-Control-Allow-Methods", "GET, HEAD"},
                     {"Access-Control-Allow-Headers", "Authorization, If-None-Match"},
                     {"Access-Control-Max-Age", "86400"}}});
  const auto asked = std::make_shared<const http::IncomingRequest>(std::move(request));
  looking_->submit([this, &resource, asked, respond] { respond(shown(resource, *asked)); },
                   [this, respond](TaskGate::Refusal why) { respond(refusal(why)); });
}

http::Answer Service::shown(const Resource& resource, const http::IncomingRequest& request) {
  http::Answer answer;
  try {
    answer = resource.get(request);
  } catch (const Error& error) {
    answer = error_answer(looked_status_of(error.code()), error);
    if (answer.status >= 500)
      journal_.log(Severity::error, "a request failed",
                   {{"path", request.path}, {"peer", request.peer}, {"error", error_json(error)}});
  } catch (const std::exception& error) {
    journal_.log(Severity::error, "a request failed",
                 {{"path", request.path}, {"peer", request.peer}, {"what", error.what()}});
    answer = error_answer(500, Error(ErrorCode::internal, "the request could not be answered"));
  }
  answer.headers.emplace_back("Access-Control-Allow-Origin", "*");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return answer;
}

http::Answer Service::health() const {
  const auto counts = gate_->counts();
  return json_answer(200, {{"status", draining_.load() ? "draining" : "ok"},
                           {"build", engine::build_identity()},
                           {"running", counts.running},
                           {"waiting", counts.waiting},
                           {"done", done_.load()},
                           {"failed", failed_.load()}});
}

http::Answer Service::readiness() const {
  const bool ready = !draining_.load();
  return json_answer(ready ? 200 : 503, {{"status", ready ? "ready" : "draining"}});
}

// What is wrong with the request itself is told here; anything that costs time is done by the gate.
void Service::take(TaskRoute& route, http::IncomingRequest request, http::Server::Respond respond) {
  if (draining_.load()) return respond(refusal(TaskGate::Refusal::closed));
  Delivery delivery;
  try {
    delivery = read_delivery(request.body);
  } catch (const Error& error) {
    journal_.log(Severity::warning, "a request could not be read",
                 {{"path", route.path()}, {"peer", request.peer}, {"error", error_json(error)}});
    ++failed_;
    return respond(error_answer(400, error));
  }
  try {
    start(route, delivery, respond);
  } catch (const Error& error) {
    respond(failure(route.path(), delivery, error, {}));
  }
}

void Service::start(TaskRoute& route, Delivery delivery, http::Server::Respond respond) {
  auto flight = std::make_shared<Flight>();
  flight->job = route.accept(delivery);
  flight->delivery = std::move(delivery);
  flight->waiting.push_back(std::move(respond));
  {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = flights_.try_emplace(flight->job.key, flight);
    if (!is_new) {
      // The same task came again before it was done: one answer for all.
      known->second->waiting.push_back(std::move(flight->waiting.front()));
      return;
    }
  }
  gate_->submit([this, path = route.path(), flight] { carry_out(path, flight); },
                [this, flight](TaskGate::Refusal why) { land(flight, refusal(why)); });
}

void Service::carry_out(const std::string& path, const std::shared_ptr<Flight>& flight) {
  const auto started = TaskGate::Clock::now();
  auto facts = flight->job.facts;
  facts["path"] = path;
  if (!flight->delivery.message_id.empty()) facts["message_id"] = flight->delivery.message_id;
  facts["queued_seconds"] = std::chrono::duration<double>(started - flight->arrived).count();
  try {
    const auto more = flight->job.work();
    facts["work_seconds"] = std::chrono::duration<double>(TaskGate::Clock::now() - started).count();
    for (const auto& [key, value] : more.items()) facts[key] = value;
    ++done_;
    journal_.log(Severity::info, "task done", facts);
    land(flight, {204, "", "", {}});
  } catch (const Error& error) {
    land(flight, failure(path, flight->delivery, error, std::move(facts)));
  } catch (const std::bad_alloc&) {
    land(flight, failure(path, flight->delivery, Error(ErrorCode::resource, "out of memory"),
                         std::move(facts)));
  } catch (const std::exception& error) {
    land(flight, failure(path, flight->delivery, Error(ErrorCode::internal, error.what()),
                         std::move(facts)));
  }
}

http::Answer Service::failure(const std::string& path, const Delivery& delivery, const Error& error,
                              OrderedJson facts) {
  if (error.code() == ErrorCode::cancelled)
    return draining_.load() ? refusal(TaskGate::Refusal::closed) : held_back(error);
  ++failed_;
  int status = status_of(error.code());
  facts["error"] = error_json(error);
  if (!error.cause().empty()) facts["cause"] = error.cause();
  if (options_.acknowledge_permanent && permanent(error.code()) && refusals_) {
    try {
      refusals_->write(delivery, path, error);
      status = 200;
    } catch (const Error& unrecorded) {
      // Not recorded, so not acknowledged: the queue keeps it.
      facts["not_recorded"] = unrecorded.message();
    }
  }
  facts["status"] = status;
  journal_.log(Severity::error, "task failed", std::move(facts));
  auto answer = error_answer(status, error);
  return answer;
}

// Somebody paused or cancelled what the task belongs to.
http::Answer Service::held_back(const Error& error) {
  constexpr const char* kLookAgain_s = "10";
  auto answer = error_answer(503, error);
  answer.headers.emplace_back("Retry-After", kLookAgain_s);
  return answer;
}

http::Answer Service::refusal(TaskGate::Refusal why) const {
  const bool closed = why == TaskGate::Refusal::closed;
  // When a thread should be free again; another worker may be free at once.
  const double seconds = std::clamp(gate_->counts().mean_task_seconds, 1.0, 60.0);
  auto answer =
      closed
          ? json_answer(
                503,
                {{"error", {{"code", "unavailable"}, {"message", "this worker is shutting down"}}}})
          : json_answer(429,
                        {{"error", {{"code", "unavailable"}, {"message", "this worker is busy"}}}});
  answer.headers.emplace_back("Retry-After",
                              std::to_string(closed ? 1 : static_cast<int>(std::ceil(seconds))));
  return answer;
}

void Service::land(const std::shared_ptr<Flight>& flight, const http::Answer& answer) {
  std::vector<http::Server::Respond> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(flight->waiting);
    flights_.erase(flight->job.key);
  }
  for (const auto& respond : waiting) respond(answer);
}

bool Service::drain(TaskGate::Clock::time_point until) {
  draining_.store(true);
  for (auto* gate : {gate_.get(), looking_.get()}) gate->close();
  for (auto* gate : {gate_.get(), looking_.get()})
    if (!gate->wait_until_idle(until)) return false;
  server_->stop_accepting();
  // The last answers are on their way.
  const auto patience = TaskGate::Clock::now() + kLastAnswers;
  while (server_->connections() > 0 && TaskGate::Clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return true;
}

}  // namespace geoloom::serve
