// SPDX-License-Identifier: Apache-2.0
// geoloom runs logs: attempts as they were logged, and as they come.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <set>
#include <thread>
#include <tuple>

#include "cli/existing_store.h"
#include "cli/quantities.h"
#include "cli/runs_commands.h"
#include "cli/stop_signal.h"
#include "engine/run_session.h"

namespace geoloom::cli {
namespace {

struct LogsArguments {
  std::string store, run, step, item;
  bool failed = false, follow = false;
};

// A folder is looked at more often than a bucket, where it is a request.
constexpr std::chrono::milliseconds kFolderInterval{500}, kBucketInterval{5000};

using Key = std::tuple<std::string, std::string, std::string, int>;
Key key_of(const engine::AttemptRecord& attempt) {
  return {attempt.time, attempt.step, attempt.item, attempt.attempt};
}

bool wanted(const engine::AttemptRecord& attempt, const LogsArguments& arguments) {
  return (arguments.item.empty() || attempt.item == arguments.item) &&
         (arguments.step.empty() || attempt.step == arguments.step) &&
         (!arguments.failed || attempt.state == "failed");
}

// What an attempt took, as far as that is known: "(reading 1.2 s, ..., memory 240 MiB)".
std::string cost_of(const engine::AttemptRecord& attempt) {
  const auto& [read, compute, encode] = attempt.seconds;
  if (read + compute + encode <= 0 && attempt.memory_bytes == 0) return {};
  return fmt::format(" (reading {}, computing {}, encoding {}, memory {})", format_seconds(read),
                     format_seconds(compute), format_seconds(encode),
                     format_bytes(static_cast<double>(attempt.memory_bytes)));
}

void print(const engine::AttemptRecord& attempt, bool json) {
  if (json) {
    std::cout << engine::to_json(attempt).dump(-1, ' ', false,
                                               workflow::Json::error_handler_t::replace)
              << "\n";
    return;
  }
  std::cout << fmt::format("{} {}/{} attempt {} {} in {}{}\n", attempt.time, attempt.step,
                           attempt.item, attempt.attempt, attempt.state,
                           format_seconds(attempt.wall_seconds), cost_of(attempt));
  if (attempt.state == "failed")
    std::cout << fmt::format("    {}: {}: {}{}{}\n", attempt.error_code, attempt.place,
                             attempt.message,
                             attempt.cause.empty() ? "" : " (" + attempt.cause + ")",
                             attempt.hint.empty() ? "" : "; hint: " + attempt.hint);
  for (const auto& message : attempt.log.messages)
    std::cout << fmt::format("    {} after {}: {}{}\n", name_of(message.level),
                             format_seconds(message.after_seconds), message.text,
                             message.times > 1 ? fmt::format(" ({} times)", message.times) : "");
  if (attempt.log.left_out > 0)
    std::cout << fmt::format("    {} more are not kept\n",
                             counted(attempt.log.left_out, "message"));
}

// A run's id has no slash.
LogsArguments with_item(LogsArguments arguments) {
  const auto slash = arguments.run.find('/');
  if (slash == std::string::npos) return arguments;
  arguments.step = arguments.run.substr(0, slash);
  arguments.item = arguments.run.substr(slash + 1);
  arguments.run.clear();
  return arguments;
}

int logs(const LogsArguments& given, const Commands& commands) {
  const auto arguments = with_item(given);
  const auto store = open_existing_store(arguments.store);
  const auto runs = workflow::list_runs(*store);
  if (runs.empty()) throw Error(ErrorCode::missing, fmt::format("{} holds no run", store->url()));
  const auto id = arguments.run.empty() ? runs.back() : arguments.run;
  (void)workflow::read_run_record(*store, id);
  std::set<Key> printed;
  const auto print_all = [&](const std::vector<engine::AttemptRecord>& attempts) {
    for (const auto& attempt : attempts)
      if (printed.insert(key_of(attempt)).second && wanted(attempt, arguments))
        print(attempt, commands.json);
    std::cout.flush();
  };
  engine::AttemptReader reader(
      *store, id, arguments.failed ? engine::AttemptsWanted::failed : engine::AttemptsWanted::all);
  print_all(reader.read_new());
  if (!arguments.follow) return kExitSuccess;
  const auto& stop = stop_on_signals("");
  while (!stop.load() && std::cout) {
    std::this_thread::sleep_for(store->local() ? kFolderInterval : kBucketInterval);
    print_all(reader.read_new());
  }
  return stop_signal() == SIGTERM ? kExitTerminated : kExitInterrupted;
}

}  // namespace

void add_runs_logs(CLI::App& runs, Commands& commands) {
  auto* command = runs.add_subcommand("logs", "All attempts in order of time");
  const auto arguments = std::make_shared<LogsArguments>();
  command->add_option("--store", arguments->store,
                      "Folder or bucket (s3://, gs://, az://); default: that of the last run");
  command->add_flag("--json", commands.json, "As JSON, a line for each attempt");
  command->add_option("RUN", arguments->run,
                      "Run id, or STEP/ITEM of the latest run; default: the latest run");
  command->add_option("--step", arguments->step, "Only this step");
  command->add_option("--item", arguments->item, "Only this item");
  command->add_flag("--failed", arguments->failed, "Only attempts that failed");
  command->add_flag("-f,--follow", arguments->follow, "Go on with what comes, until Ctrl-C");
  command->callback([arguments, &commands] { commands.exit_code = logs(*arguments, commands); });
}

}  // namespace geoloom::cli
