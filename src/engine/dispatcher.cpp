// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <thread>

namespace geoloom::engine {
namespace {

using std::chrono::milliseconds;
using Clock = http::Surroundings::Clock;

constexpr size_t kLargestAnswerBytes = size_t{1} << 20;
// Receipts are read again at most that often while requests are under way.
constexpr milliseconds kRefreshInterval{1000};
// An answer 204 without receipt is not believed; the item is sent once more.
constexpr int kRounds = 2;
constexpr milliseconds kRestOfBrokenWorker{1000};

std::string member(const workflow::Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ErrorCode code_of_status(int status) {
  switch (http::verdict_of(status)) {
    case http::Verdict::denied:
      return ErrorCode::denied;
    case http::Verdict::flow_control:
    case http::Verdict::transient:
      return ErrorCode::unavailable;
    default:
      return status == 404 ? ErrorCode::missing : ErrorCode::invalid;
  }
}

http::Url tasks_address(const std::string& worker) {
  auto base = worker;
  while (base.ends_with('/')) base.pop_back();
  return http::parse_url(base + kTaskPath);
}

http::ClientOptions client_options(const DispatchOptions& options) {
  return {options.certificate_authorities};
}

ItemEvent event_of(const workflow::StepRun& step, size_t item, ItemOutcome outcome) {
  ItemEvent event;
  event.step = step.step->name;
  event.item = step.items[item].name;
  event.outcome = outcome;
  return event;
}

}  // namespace

std::string address_for_workers(const store::Store& store) {
  return store.local() ? std::filesystem::absolute(store.url()).lexically_normal().string()
                       : store.url();
}

std::vector<size_t> items_left(RunSession& session, size_t step, const std::vector<size_t>& items,
                               RunProgress& progress) {
  session.refresh();
  std::vector<size_t> left;
  for (const size_t item : items) {
    const auto* receipt = session.adopt(step, item);
    if (!receipt) {
      left.push_back(item);
      continue;
    }
    auto event = event_of(session.run().steps()[step], item, ItemOutcome::cached);
    event.receipt = receipt;
    progress.item_ended(event);
  }
  return left;
}

Error error_of_answer(const http::Response& response, const std::string& host) {
  const auto json = workflow::Json::parse(response.body, nullptr, false);
  const auto found = json.is_object() ? json.find("error") : json.end();
  if (json.is_object() && found != json.end() && found->is_object() &&
      !member(*found, "message").empty()) {
    Error error(error_code_of(member(*found, "code")), member(*found, "message"));
    if (const auto hint = member(*found, "hint"); !hint.empty()) error.hint(hint);
    if (const auto place = member(*found, "place"); !place.empty()) error.cause(place);
    return error;
  }
  Error error(code_of_status(response.status),
              fmt::format("{} answers with status {}", host, response.status));
  if (response.status == 401 || response.status == 403)
    error.hint("does the worker take the token in GEOLOOM_TOKEN?");
  if (response.status == 404 || response.status == 405)
    error.hint("is a `geoloom serve` at this address?");
  return error;
}

Dispatcher::Dispatcher(DispatchOptions options, http::Surroundings surroundings)
    : options_(std::move(options)),
      surroundings_(std::move(surroundings)),
      client_(client_options(options_)) {
  if (options_.workers.empty()) throw Error(ErrorCode::invalid, "there is no worker to send to");
  for (const auto& address : options_.workers) {
    Worker worker;
    worker.tasks = tasks_address(address);
    if (!options_.token.empty() && worker.tasks.scheme == "http" && !worker.tasks.loopback() &&
        !options_.token_in_plain_http)
      throw Error(ErrorCode::invalid,
                  fmt::format("the token would travel readable to {}", worker.tasks.origin()))
          .hint("use https, or --token-in-plain-http inside a network that you trust");
    workers_.push_back(std::move(worker));
  }
}

Dispatcher::~Dispatcher() = default;

// The one that rests no more and has the least to do; when all rest, the first to wake.
size_t Dispatcher::take_worker() {
  const std::lock_guard lock(mutex_);
  const auto now = surroundings_.now();
  const auto best = std::min_element(
      workers_.begin(), workers_.end(), [&](const Worker& left, const Worker& right) {
        const auto rest = [&](const Worker& w) { return std::max(w.rests_until, now); };
        if (rest(left) != rest(right)) return rest(left) < rest(right);
        return left.in_flight < right.in_flight;
      });
  ++best->in_flight;
  return static_cast<size_t>(best - workers_.begin());
}

void Dispatcher::release_worker(size_t worker, milliseconds rest) {
  const std::lock_guard lock(mutex_);
  --workers_[worker].in_flight;
  workers_[worker].rests_until = std::max(workers_[worker].rests_until, surroundings_.now() + rest);
}

// The items of one step on their way.
class Dispatcher::Sending {
 public:
  Sending(Dispatcher& dispatcher, RunSession& session, size_t step, RunProgress& progress)
      : dispatcher_(dispatcher),
        options_(dispatcher.options_),
        session_(session),
        step_(step),
        step_run_(session.run().steps()[step]),
        progress_(progress),
        store_(address_for_workers(session.store())),
        last_end_(dispatcher.surroundings_.now()),
        setbacks_(step_run_.items.size(), 0) {}

  void send(std::vector<size_t> items) {
    for (int round = 1; !items.empty(); ++round) {
      drive(items);
      settle();
      items.clear();
      if (progress_.stopped()) return;
      for (const auto& [item, attempt] : claimed_)
        if (round < kRounds)
          items.push_back(item);
        else
          fail_without_receipt(item, attempt);
      claimed_.clear();
    }
  }

 private:
  void drive(const std::vector<size_t>& items) {
    WorkQueue queue;
    for (const size_t item : items) queue.push({step_, item, 1});
    const auto count =
        std::min(step_run_.step->policy.items_at_once(options_.in_flight), items.size());
    std::vector<std::thread> senders;
    for (size_t i = 0; i < count; ++i)
      senders.emplace_back([&] {
        while (const auto message = queue.lease([this] { return progress_.stopped(); }))
          deliver(queue, *message);
      });
    for (auto& sender : senders) sender.join();
  }

  http::Request request_for(const WorkMessage& message, const http::Url& address) const {
    http::Request request;
    request.method = "POST";
    request.url = address.text;
    request.headers = {{"Content-Type", "application/json"}};
    if (!options_.token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + options_.token);
    request.body = to_json(TaskMessage{store_, session_.run().record().id, step_run_.step->name,
                                       step_run_.items[message.item].name, message.attempt})
                       .dump();
    request.timeouts.total = options_.request_timeout;
    request.largest_answer_bytes = kLargestAnswerBytes;
    return request;
  }

  void deliver(WorkQueue& queue, const WorkMessage& message) {
    const size_t worker = dispatcher_.take_worker();
    const auto& address = dispatcher_.workers_[worker].tasks;
    try {
      const auto response = dispatcher_.client_.send(request_for(message, address));
      const auto verdict = http::verdict_of(response.status);
      dispatcher_.release_worker(worker, rest_after(response));
      if (verdict == http::Verdict::success) return claim(queue, message);
      const auto error = error_of_answer(response, address.origin());
      if (verdict == http::Verdict::flow_control) return refused(queue, message, response, error);
      failed(queue, message, verdict, error);
    } catch (const Error& error) {
      dispatcher_.release_worker(worker, kRestOfBrokenWorker);
      // A worker that cannot log: it may have died of this item.
      log_attempt(message, error);
      failed(queue, message,
             error.code() == ErrorCode::unavailable ? http::Verdict::transient
             : error.code() == ErrorCode::denied    ? http::Verdict::denied
                                                    : http::Verdict::permanent,
             error);
    }
  }

  // A worker that shuts down is left alone; 429 of one address may be one of many instances.
  milliseconds rest_after(const http::Response& response) const {
    if (response.status != 503) return milliseconds(0);
    return http::retry_after(response.header("retry-after"), dispatcher_.surroundings_.wall_clock())
        .value_or(kRestOfBrokenWorker);
  }

  void claim(WorkQueue& queue, const WorkMessage& message) {
    const auto now = dispatcher_.surroundings_.now();
    bool due = false;
    {
      const std::lock_guard lock(mutex_);
      claimed_[message.item] = message.attempt;
      setbacks_[message.item] = 0;
      last_end_ = now;
      due = now - last_settled_ > kRefreshInterval;
      if (due) last_settled_ = now;
    }
    queue.acknowledge(message);
    if (due) settle();
  }

  // Receipts that cannot be read, or contradict each other, stop the run.
  void settle() {
    try {
      settle_claimed();
    } catch (const Error& error) {
      progress_.pause(error);
    }
  }

  // Reports the claimed items whose receipts are in the store.
  void settle_claimed() {
    const std::lock_guard one_at_a_time(settling_);
    std::map<size_t, int> claimed;
    {
      const std::lock_guard lock(mutex_);
      claimed = claimed_;
    }
    if (claimed.empty()) return;
    session_.refresh();
    for (const auto& [item, attempt] : claimed) {
      const auto* receipt = session_.adopt(step_, item);
      if (!receipt) continue;
      auto event =
          event_of(step_run_, item, receipt->empty ? ItemOutcome::empty : ItemOutcome::done);
      event.attempt = attempt;
      event.wall_seconds = receipt->wall_seconds;
      event.receipt = receipt;
      {
        const std::lock_guard lock(mutex_);
        claimed_.erase(item);
      }
      progress_.item_ended(event);
    }
  }

  void refused(WorkQueue& queue, WorkMessage message, const http::Response& response,
               const Error& error) {
    const auto& surroundings = dispatcher_.surroundings_;
    int setbacks = 0;
    bool hopeless = false;
    {
      const std::lock_guard lock(mutex_);
      setbacks = ++setbacks_[message.item];
      hopeless = surroundings.now() - last_end_ > options_.patience;
    }
    if (hopeless) {
      Error late(
          ErrorCode::unavailable,
          fmt::format("the workers had no room for {} s",
                      std::chrono::duration_cast<std::chrono::seconds>(options_.patience).count()));
      late.cause(error.what());
      return failed(queue, message, http::Verdict::permanent, late);
    }
    --message.attempt;  // giving back counts one, and a refusal is none
    queue.give_back_after(
        message, http::wait_after(response, options_.backoff, setbacks, surroundings.random(),
                                  surroundings.wall_clock()));
  }

  void failed(WorkQueue& queue, const WorkMessage& message, http::Verdict verdict,
              const Error& error) {
    // Also what a worker's storage refuses: it would refuse the others alike.
    if (verdict == http::Verdict::denied || error.code() == ErrorCode::denied)
      progress_.pause(error);
    const auto& retry = step_run_.step->policy.retry;
    const bool may_pass = retry && error.code() != ErrorCode::cancelled
                              ? retry->covers(error.code())
                              : verdict == http::Verdict::transient;
    const bool again = may_pass && message.attempt < (retry ? retry->attempts : options_.attempts);
    auto event =
        event_of(step_run_, message.item, again ? ItemOutcome::retried : ItemOutcome::failed);
    event.attempt = message.attempt;
    event.error = &error;
    progress_.item_ended(event);
    if (!again) {
      {
        const std::lock_guard lock(mutex_);
        last_end_ = dispatcher_.surroundings_.now();
      }
      return queue.dead_letter(message, error.what());
    }
    const double random = dispatcher_.surroundings_.random();
    queue.give_back_after(message,
                          retry ? retry->wait(message.attempt, random)
                                : http::full_jitter(options_.backoff, message.attempt, random));
  }

  void fail_without_receipt(size_t item, int attempt) {
    auto event = event_of(step_run_, item, ItemOutcome::failed);
    event.attempt = attempt;
    const auto error =
        Error(ErrorCode::missing, "a worker says that it is done, and the store has no receipt")
            .at({.step = step_run_.step->name, .item = step_run_.items[item].name})
            .hint(fmt::format("does the worker write to another store than '{}'?", store_));
    event.error = &error;
    log_attempt({step_, item, attempt}, error);
    progress_.item_ended(event);
  }

  void log_attempt(const WorkMessage& message, const Error& error) {
    AttemptRecord record;
    record.step = step_run_.step->name;
    record.item = step_run_.items[message.item].name;
    record.attempt = message.attempt;
    record.fail(error);
    if (const auto problem = session_.log(record); !problem.empty())
      progress_.note("the attempt could not be logged: " + problem);
  }

  Dispatcher& dispatcher_;
  const DispatchOptions& options_;
  RunSession& session_;
  const size_t step_;
  const workflow::StepRun& step_run_;
  RunProgress& progress_;
  const std::string store_;
  std::mutex settling_;
  std::mutex mutex_;
  std::map<size_t, int> claimed_;  // answered with 2xx, receipt not seen yet; with the attempt
  Clock::time_point last_end_, last_settled_{};
  std::vector<int> setbacks_;  // by item: refusals in a row
};

void Dispatcher::carry_out(RunSession& session, size_t step, RunProgress& progress) {
  std::vector<size_t> all(session.run().steps()[step].items.size());
  std::iota(all.begin(), all.end(), size_t{0});
  send(session, step, all, progress);
}

void Dispatcher::send(RunSession& session, size_t step, const std::vector<size_t>& items,
                      RunProgress& progress) {
  Sending sending(*this, session, step, progress);
  sending.send(items_left(session, step, items, progress));
}

}  // namespace geoloom::engine
