// SPDX-License-Identifier: Apache-2.0
// geoloom dead list | replay | drop: tasks that a queue gave up.
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/transport_arguments.h"
#include "engine/run_session.h"
#include "engine/task_message.h"
#include "http/pubsub.h"
#include "workflow/run_record.h"

namespace geoloom::cli {
namespace {

constexpr std::string_view kQueueAttributes = "CloudPubSubDeadLetter";
constexpr size_t kPulledAtOnce = 100;

struct DeadArguments {
  std::string from;
  size_t limit = 1000;
  bool yes = false;
  TransportArguments transport;
};

struct DeadLetter {
  http::PulledMessage pulled;
  std::optional<engine::TaskMessage> task;  // nullopt: a granule median, or nothing we know
  std::string destination;                  // of a granule median
  std::string attempts;                     // deliveries, as the queue counted
  std::string reason;
};

DeadLetter letter_of(http::PulledMessage pulled) {
  DeadLetter letter;
  const auto json = workflow::Json::parse(pulled.message.data, nullptr, false);
  const auto& attributes = pulled.message.attributes;
  const auto count = attributes.find("CloudPubSubDeadLetterSourceDeliveryCount");
  letter.attempts = count == attributes.end() ? "?" : count->second;
  try {
    letter.task = engine::task_message_from_json(json);
  } catch (const Error&) {
    if (json.is_object() && json.contains("destination") && json["destination"].is_string())
      letter.destination = json["destination"].get<std::string>();
  }
  letter.pulled = std::move(pulled);
  return letter;
}

// The last failure of every item, by run; stores that cannot be read tell nothing.
class Reasons {
 public:
  std::string of(const DeadLetter& letter) {
    if (!letter.task)
      return letter.destination.empty() ? "not a task" : "see the log of the worker";
    const auto& task = *letter.task;
    const auto& run = run_of(task);
    const auto found = run.find(task.step + "/" + task.item);
    return found == run.end() ? "no attempt is logged: refused for want of room, or the worker died"
                              : found->second;
  }

 private:
  using Run = std::map<std::string, std::string>;  // "step/item" -> why
  const Run& run_of(const engine::TaskMessage& task) {
    const auto key = task.store + " " + task.run;
    const auto known = runs_.find(key);
    if (known != runs_.end()) return known->second;
    auto& run = runs_[key];
    try {
      const auto store = store::open_store(task.store);
      for (const auto& attempt : engine::read_attempts(*store, task.run))
        run[attempt.step + "/" + attempt.item] =
            attempt.state == "failed" ? fmt::format("{}: {}", attempt.error_code, attempt.message)
                                      : "made since";
    } catch (const Error& error) {
      std::cerr << fmt::format("note: {}\n", error.what());
    }
    return run;
  }
  std::map<std::string, Run> runs_;
};

// All that are there now, up to the limit. They stay leased to us.
std::vector<DeadLetter> read_letters(http::PubSub& service, const http::PubSubName& from,
                                     size_t limit) {
  std::vector<DeadLetter> letters;
  std::set<std::string> seen;
  for (int empty = 0; letters.size() < limit && empty < 2;) {
    auto pulled = service.pull(from, std::min(kPulledAtOnce, limit - letters.size()));
    empty = pulled.empty() ? empty + 1 : 0;
    for (auto& message : pulled)
      if (seen.insert(message.id).second) letters.push_back(letter_of(std::move(message)));
  }
  return letters;
}

std::string name_of(const DeadLetter& letter) {
  if (letter.task) return letter.task->deduplication_id();
  return letter.destination.empty() ? "message " + letter.pulled.id : letter.destination;
}

workflow::OrderedJson json_of(const DeadLetter& letter) {
  workflow::OrderedJson json{{"message", letter.pulled.id},
                             {"published", letter.pulled.publish_time},
                             {"deliveries", letter.attempts},
                             {"reason", letter.reason}};
  if (letter.task) {
    json["store"] = letter.task->store;
    json["run"] = letter.task->run;
    json["step"] = letter.task->step;
    json["item"] = letter.task->item;
  }
  if (!letter.destination.empty()) json["destination"] = letter.destination;
  return json;
}

std::vector<std::string> ack_ids(const std::vector<DeadLetter>& letters) {
  std::vector<std::string> ids;
  for (const auto& letter : letters) ids.push_back(letter.pulled.ack_id);
  return ids;
}

void print(std::vector<DeadLetter>& letters, const Commands& commands) {
  Reasons reasons;
  auto json = workflow::OrderedJson::array();
  for (auto& letter : letters) {
    letter.reason = reasons.of(letter);
    json.push_back(json_of(letter));
    if (!commands.json)
      std::cout << fmt::format("{}  {} deliveries  {}\n", name_of(letter), letter.attempts,
                               letter.reason);
  }
  if (commands.json) std::cout << json.dump(1) << "\n";
  if (letters.empty()) std::cerr << "no dead letters\n";
}

void list(const DeadArguments& arguments, const Commands& commands) {
  http::PubSub service;
  const auto from = http::parse_pubsub(arguments.from);
  auto letters = read_letters(service, from, arguments.limit);
  print(letters, commands);
  service.release(from, ack_ids(letters));
}

void drop(const DeadArguments& arguments, const Commands& commands) {
  http::PubSub service;
  const auto from = http::parse_pubsub(arguments.from);
  auto letters = read_letters(service, from, arguments.limit);
  print(letters, commands);
  if (arguments.yes)
    service.acknowledge(from, ack_ids(letters));
  else
    service.release(from, ack_ids(letters));
  std::cerr << fmt::format("{} dead letters {}\n", letters.size(),
                           arguments.yes ? "dropped" : "would be dropped: say --yes");
}

// To a topic: published again, as they first were.
size_t publish_again(http::PubSub& service, const DeadArguments& arguments,
                     const http::PubSubName& from, const std::vector<DeadLetter>& letters) {
  std::vector<http::PubSubMessage> messages;
  for (const auto& letter : letters) {
    auto message = letter.pulled.message;
    std::erase_if(message.attributes,
                  [](const auto& entry) { return entry.first.starts_with(kQueueAttributes); });
    messages.push_back(std::move(message));
  }
  service.publish(http::parse_pubsub(arguments.transport.targets.front()), messages);
  service.acknowledge(from, ack_ids(letters));
  return letters.size();
}

// To workers, one after another; what fails again stays a dead letter.
size_t send_again(http::PubSub& service, const DeadArguments& arguments,
                  const http::PubSubName& from, const std::vector<DeadLetter>& letters) {
  const auto options = arguments.transport.dispatch_options();
  const engine::Dispatcher checked(options);  // refuses wrong addresses, and tokens sent readable
  http::Client client({options.certificate_authorities});
  const auto surroundings = http::real_surroundings();
  const http::RetryRules rules{options.attempts, options.patience, options.backoff};
  size_t sent = 0;
  for (size_t i = 0; i < letters.size(); ++i) {
    const auto& letter = letters[i];
    auto base = options.workers[i % options.workers.size()];
    while (base.ends_with('/')) base.pop_back();
    http::Request request;
    request.method = "POST";
    request.url = base + (letter.task ? engine::kTaskPath : engine::kMedianPath);
    request.headers = {{"Content-Type", "application/json"}};
    if (!options.token.empty())
      request.headers.emplace_back("Authorization", "Bearer " + options.token);
    request.body = letter.pulled.message.data;
    request.timeouts.total = options.request_timeout;
    const auto answer = http::send_with_retries(client, request, rules, surroundings);
    if (answer.ok()) {
      service.acknowledge(from, {letter.pulled.ack_id});
      ++sent;
    } else {
      std::cerr << fmt::format("{}: {}\n", name_of(letter),
                               engine::error_of_answer(answer, base).what());
      service.release(from, {letter.pulled.ack_id});
    }
  }
  return sent;
}

int replay(const DeadArguments& arguments, const Commands& commands) {
  http::PubSub service;
  const auto from = http::parse_pubsub(arguments.from);
  const auto letters = read_letters(service, from, arguments.limit);
  const size_t done = letters.empty() ? 0
                      : arguments.transport.by_pubsub()
                          ? publish_again(service, arguments, from, letters)
                          : send_again(service, arguments, from, letters);
  if (commands.json)
    std::cout << workflow::OrderedJson{{"found", letters.size()}, {"replayed", done}}.dump(1)
              << "\n";
  std::cerr << fmt::format("{} of {} dead letters replayed\n", done, letters.size());
  return done == letters.size() ? kExitSuccess : kExitItemsFailed;
}

}  // namespace

void add_dead(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand("dead", "Tasks that a queue gave up: see, replay, drop");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<DeadArguments>();
  const auto add = [&](const char* name, const char* help) {
    auto* sub = command->add_subcommand(name, help);
    sub->add_option("--from", arguments->from,
                    "Subscription of the dead letters, pubsub://PROJECT/SUBSCRIPTION")
        ->required();
    sub->add_option("--limit", arguments->limit, "At most that many; default 1000")
        ->check(CLI::Range(1, 1000000));
    sub->add_flag("--json", commands.json, "As JSON");
    return sub;
  };
  add("list", "Which tasks, and why")->callback([=, &commands] { list(*arguments, commands); });
  auto* again = add("replay", "Send them again; what succeeds is no dead letter any more");
  arguments->transport.add_to(*again, "--to",
                              "Workers, http(s)://host[:port][,more], or pubsub://PROJECT/TOPIC");
  again->get_option("--to")->required();
  again->callback([=, &commands] { commands.exit_code = replay(*arguments, commands); });
  auto* gone = add("drop", "Forget them; says which, unless --yes");
  gone->add_flag("--yes", arguments->yes, "Drop them");
  gone->callback([=, &commands] { drop(*arguments, commands); });
}

}  // namespace geoloom::cli
