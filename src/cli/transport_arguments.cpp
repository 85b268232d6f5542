// SPDX-License-Identifier: Apache-2.0
#include "cli/transport_arguments.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/quantities.h"

namespace geoloom::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

}  // namespace

void TransportArguments::add_to(CLI::App& command, const std::string& option,
                                const std::string& help) {
  command.add_option(option, targets, help)->delimiter(',')->allow_extra_args(false);
  command.add_option("--in-flight", in_flight, "Requests at once, over all workers; default 16")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--attempts", attempts,
                  "Of an item that fails; refusals for want of room cost none; default 5")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--request-timeout", request_timeout_s,
                  "Seconds a worker has for one task; default 900")
      ->check(CLI::Range(0.1, 86400.0));
  command
      .add_option("--patience", patience_s,
                  "Seconds without one finished item before giving up; default 1800")
      ->check(CLI::Range(0.1, 864000.0));
  command
      .add_option("--poll", poll_s, "Seconds between two looks for receipts (pubsub://); default 2")
      ->check(CLI::Range(0.05, 3600.0));
  command.add_flag("--token-in-plain-http", token_in_plain_http,
                   "Send GEOLOOM_TOKEN over http to other machines too");
}

bool TransportArguments::by_pubsub() const {
  if (targets.empty() || !http::is_pubsub(targets.front())) return false;
  if (targets.size() > 1)
    throw Error(ErrorCode::invalid, "tasks go to one topic, or to workers, not to both");
  return true;
}

engine::DispatchOptions TransportArguments::dispatch_options() const {
  engine::DispatchOptions options;
  options.workers = targets;
  options.token = environment("GEOLOOM_TOKEN");
  options.token_in_plain_http = token_in_plain_http;
  options.in_flight = in_flight;
  options.attempts = attempts;
  options.request_timeout = milliseconds_of(request_timeout_s);
  options.patience = milliseconds_of(patience_s);
  options.certificate_authorities = environment("GEOLOOM_CA_FILE");
  return options;
}

engine::PubSubTransport::Options TransportArguments::pubsub_options() const {
  return {milliseconds_of(poll_s), milliseconds_of(patience_s)};
}

OpenedTransport::OpenedTransport(const TransportArguments& arguments) {
  if (arguments.by_pubsub()) {
    const auto topic = http::parse_pubsub(arguments.targets.front());
    service_ = std::make_unique<http::PubSub>();
    pubsub_ =
        std::make_unique<engine::PubSubTransport>(*service_, topic, arguments.pubsub_options());
  } else {
    dispatcher_ = std::make_unique<engine::Dispatcher>(arguments.dispatch_options());
  }
}

engine::Transport& OpenedTransport::transport() {
  if (pubsub_) return *pubsub_;
  return *dispatcher_;
}

void ConsentArguments::add_to(CLI::App& command) {
  command.add_option("--ask-above", ask_above,
                     "Ask before sending more tasks than this; default 1000");
  command.add_flag("--yes", yes, "Send without asking");
  command
      .add_option("--cost-per-task", cost_per_task,
                  "What one task costs, in any currency, for the estimate")
      ->envname("GEOLOOM_COST_PER_TASK");
  command
      .add_option("--cost-per-gib", cost_per_gib, "What reading one GiB costs, for the estimate")
      ->envname("GEOLOOM_COST_PER_GIB");
}

void TaskEstimate::add(const workflow::StepRun& step, size_t item) {
  ++tasks;
  // What reads layers is planned when they are made.
  if (step.step->is_task() || !step.step->layers_read.empty()) return;
  for (const auto& node : step.plan(step.items[item], nullptr).nodes)
    read_bytes += static_cast<double>(node.source.stored_bytes);
}

std::string estimate_text(const TaskEstimate& estimate, const ConsentArguments& consent) {
  constexpr double kGib = 1 << 30;
  auto text = fmt::format("{}, {} of scene files to read", counted(estimate.tasks, "task"),
                          format_bytes(estimate.read_bytes));
  if (consent.cost_per_task > 0 || consent.cost_per_gib > 0)
    text += fmt::format(", about {:.2f} in cost",
                        consent.cost_per_task * static_cast<double>(estimate.tasks) +
                            consent.cost_per_gib * estimate.read_bytes / kGib);
  else
    text += ", cost not stated (--cost-per-task, --cost-per-gib)";
  return text;
}

void ask_for_consent(const TaskEstimate& estimate, const ConsentArguments& consent) {
  if (consent.yes || estimate.tasks <= consent.ask_above) return;
  std::cerr << estimate_text(estimate, consent) << "\n";
  if (isatty(STDIN_FILENO) == 0)
    throw Error(ErrorCode::invalid, fmt::format("{} are more than {}, and nobody is there to ask",
                                                counted(estimate.tasks, "task"), consent.ask_above))
        .hint("give --yes, or a higher --ask-above");
  std::cerr << "send them? [y/N] ";
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes")
    throw Error(ErrorCode::cancelled, "nothing was sent");
}

}  // namespace geoloom::cli
