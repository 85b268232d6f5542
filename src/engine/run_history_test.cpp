// SPDX-License-Identifier: Apache-2.0
#include "engine/run_history.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/test_store.h"
#include "workflow/parameters.h"

namespace geoloom::engine {
namespace {

constexpr const char* kRun = "20260101T000000Z-00000000";

class RunHistory : public store::StoreTest {
 protected:
  // As another process, with a clock of its own, would log it.
  void started(const std::string& id, int number, const std::string& time, const std::string& host,
               int process = 1) {
    store::SegmentWriter writer(*store, std::string("runs/") + kRun + "/executions");
    writer.append(workflow::Json{
        {"geoloom_execution", 1},
        {"id", id},
        {"event", "started"},
        {"number", number},
        {"time", time},
        {"by", "ada@" + host},
        {"build", "b1"},
        {"transport", "threads"},
        {"host", host},
        {"process", process},
        {"process_start",
         "1"}}.dump());
    writer.flush();
  }
};

TEST_P(RunHistory, HasStartsAndEnds) {
  EXPECT_TRUE(read_executions(*store, kRun).empty());
  {
    ExecutionLog first(*store, kRun, "threads");
    EXPECT_EQ(read_executions(*store, kRun).at(0).state(), "under way") << "this process lives";
    first.ended("paused", "the disk is full");
  }
  ExecutionLog second(*store, kRun, "http");
  const auto executions = read_executions(*store, kRun);
  ASSERT_EQ(executions.size(), 2U);
  EXPECT_EQ(executions[0].state(), "paused");
  EXPECT_EQ(executions[0].reason, "the disk is full");
  EXPECT_EQ(executions[0].transport, "threads");
  EXPECT_FALSE(executions[0].build.empty());
  EXPECT_EQ(executions[1].number, 2);
  EXPECT_EQ(executions[1].transport, "http");
}

TEST_P(RunHistory, TellsOfProcessesThatAreGone) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  // A number that is no process's any more.
  const auto gone = ::fork();
  if (gone == 0) ::_exit(0);
  ::waitpid(gone, nullptr, 0);
  started("a", 1, "2026-01-01T00:00:00Z", host, gone);
  started("b", 2, "2026-01-01T00:00:00Z", host, ::getpid());
  started("c", 3, "2026-01-01T00:00:00Z", "elsewhere");
  const auto executions = read_executions(*store, kRun);
  ASSERT_EQ(executions.size(), 3U);
  EXPECT_EQ(executions[0].state(), "ended without a word");
  EXPECT_EQ(executions[1].state(), "ended without a word") << "the number is another process's now";
  EXPECT_EQ(executions[2].state(), "under way, or ended without a word on elsewhere");
}

TEST_P(RunHistory, DoesNotTrustClocks) {
  started("a", 1, "2026-05-01T00:00:00Z", "x");
  started("b", 2, "2020-01-01T00:00:00Z", "y");
  ExecutionLog log(*store, kRun, "threads");
  const auto executions = read_executions(*store, kRun);
  ASSERT_EQ(executions.size(), 3U);
  EXPECT_EQ(executions[0].id, "a");
  EXPECT_EQ(executions[1].id, "b");
  EXPECT_EQ(executions[2].number, 3);
}

TEST_P(RunHistory, LeavesOutWhatItDoesNotKnow) {
  store::SegmentWriter writer(*store, std::string("runs/") + kRun + "/executions");
  const auto* const end_alone =
      R"({"geoloom_execution": 1, "id": "z", "event": "ended", "time": "t", "ending": "done", "reason": ""})";
  for (const auto* const payload :
       {"no JSON", "[]", R"({"geoloom_execution": 2, "id": "x", "event": "started"})",
        R"({"geoloom_execution": 1, "id": "y", "event": "started"})", end_alone})
    writer.append(payload);
  writer.flush();
  EXPECT_TRUE(read_executions(*store, kRun).empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, RunHistory, ::testing::ValuesIn(store::store_kinds()));

}  // namespace
}  // namespace geoloom::engine
