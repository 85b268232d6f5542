// SPDX-License-Identifier: Apache-2.0
// geoloom runs logs: attempts as they were logged, and as they come.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>
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

void print(const engine::AttemptRecord& attempt, bool json) {
  if (json) {
    std::cout << engine::to_json(attempt).dump(-1, ' ', false,
                                               workflow::Json::error_handler_t::replace)
              << "\n";
    return;
  }
  std::cout << fmt::format("{} {}/{} attempt {} {} in {}\n", attempt.time, attempt.step,
                           attempt.item, attempt.attempt, attempt.state,
                           format_seconds(attempt.wall_seconds));
  if (attempt.state == "failed")
    std::cout << fmt::format("    {}: {}: {}{}{}\n", attempt.error_code, attempt.place,
                             attempt.message,
                             attempt.cause.empty() ? "" : " (" + attempt.cause + ")",
                             attempt.hint.empty() ? "" : "; hint: " + attempt.hint);
}

int logs(const LogsArguments& arguments, const Commands& commands) {
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
  // Made before all are read, so that none falls between; some come twice instead.
  std::optional<engine::AttemptReader> reader;
  if (arguments.follow) reader.emplace(*store, id);
  print_all(engine::read_attempts(*store, id));
  if (!reader) return kExitSuccess;
  const auto& stop = stop_on_signals("");
  while (!stop.load() && std::cout) {
    std::this_thread::sleep_for(store->local() ? kFolderInterval : kBucketInterval);
    print_all(reader->read_new());
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
  command->add_option("RUN", arguments->run, "Run id; default: the latest");
  command->add_option("--step", arguments->step, "Only this step");
  command->add_option("--item", arguments->item, "Only this item");
  command->add_flag("--failed", arguments->failed, "Only attempts that failed");
  command->add_flag("-f,--follow", arguments->follow, "Go on with what comes, until Ctrl-C");
  command->callback([arguments, &commands] { commands.exit_code = logs(*arguments, commands); });
}

}  // namespace geoloom::cli
