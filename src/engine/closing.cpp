// SPDX-License-Identifier: Apache-2.0
#include "engine/closing.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "engine/deadline.h"
#include "engine/failure_causes.h"

namespace geoloom::engine {
namespace {

using Clock = std::chrono::steady_clock;
using workflow::OrderedJson;

constexpr const char* kStep = "finally";

// By cause; items that nobody attempted are in the counts of their steps.
OrderedJson failures_of(const RunSession& session) {
  auto failures = OrderedJson::array();
  const auto attempts = read_failed_attempts(session.store(), session.run().record().id);
  for (const auto& cause : failure_causes(session.run(), session.state(), attempts)) {
    if (cause.since.empty()) continue;
    failures.push_back({{"cause", cause.code},
                        {"message", cause.message},
                        {"hint", cause.hint},
                        {"since", cause.since},
                        {"items", cause.items.size()},
                        {"example", cause.items.front()}});
  }
  return failures;
}

workflow::EndedRun ended_run(const RunSession& session, const RunSummary& summary,
                             const std::string& started) {
  const auto& run = session.run();
  workflow::EndedRun ended;
  ended.state = name_of(summary.ending);
  ended.report = {{"run", run.record().id},          {"document", run.workflow().document.name},
                  {"store", session.store().url()},  {"state", ended.state},
                  {"reason", summary.reason},        {"started", started},
                  {"finished", now_text()},          {"wall_seconds", summary.wall_seconds},
                  {"steps", to_json(summary.steps)}, {"failures", failures_of(session)},
                  {"outputs", summary.outputs}};
  return ended;
}

}  // namespace

std::vector<std::string> close_run(RunSession& session, const RunSummary& summary,
                                   const std::string& started) {
  const auto& workflow = session.run().workflow();
  if (workflow.closing.empty()) return {};
  const auto ending = ended_run(session, summary, started);
  const auto until = Clock::now() + workflow.closing_timeout;
  // Who interrupted the run wants its end told; who will not wait for that ends the process.
  const std::atomic<bool> never{false};
  const Deadline deadline(never, workflow.closing_timeout);
  std::vector<std::string> failed;
  for (const auto& call : workflow.closing) {
    AttemptRecord record;
    record.step = kStep;
    record.item = call.op;
    record.state = "done";
    const auto start = Clock::now();
    try {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - start);
      if (left <= left.zero())
        throw Error(ErrorCode::cancelled, "there was no time left for it")
            .hint("give `finally` a longer `timeout`");
      call.closing->run({ending, left, deadline.flag()});
    } catch (const Error& error) {
      record.fail(error);
      failed.push_back(fmt::format("finally: {}: {}", call.op, error.what()));
    } catch (const std::exception& error) {
      record.fail(Error(ErrorCode::internal, error.what()));
      failed.push_back(fmt::format("finally: {}: {}", call.op, error.what()));
    }
    record.wall_seconds = std::chrono::duration<double>(Clock::now() - start).count();
    session.log(std::move(record));
  }
  session.flush();
  return failed;
}

}  // namespace geoloom::engine
