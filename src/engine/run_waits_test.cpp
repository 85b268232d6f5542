// SPDX-License-Identifier: Apache-2.0
#include "engine/run_waits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "store/test_store.h"

namespace geoloom::engine {
namespace {

constexpr const char* kRun = "20260101T000000Z-00000000";

class RunWaits : public store::StoreTest {
 protected:
  static workflow::Step waiting(const std::string& file, const std::string& person) {
    workflow::Step step;
    step.name = "publish";
    step.policy.waits_for = workflow::WaitsFor{file, person};
    return step;
  }
};

TEST_P(RunWaits, AreNoneUnlessSaid) {
  workflow::Step step;
  EXPECT_EQ(waited_for(step, *store, kRun), "");
}

TEST_P(RunWaits, EndWhenTheFileIsThere) {
  const auto step = waiting(store->path_of("season/done.txt"), "");
  EXPECT_NE(waited_for(step, *store, kRun).find("done.txt"), std::string::npos);
  store->put_bytes("", "season/done.txt");
  EXPECT_EQ(waited_for(step, *store, kRun), "");
}

TEST_P(RunWaits, EndWhenSomebodyApprovesThisStepOfThisRun) {
  const auto step = waiting("", "look at the preview");
  const auto text = waited_for(step, *store, kRun);
  EXPECT_NE(text.find("look at the preview"), std::string::npos);
  EXPECT_NE(text.find(std::string("runs approve ") + kRun + " publish"), std::string::npos);
  record_approval(*store, kRun, {"other", "ada@host", "2026-01-01T00:00:00Z", ""});
  record_approval(*store, "20260101T000000Z-11111111", {"publish", "ada@host", "", ""});
  EXPECT_NE(waited_for(step, *store, kRun), "");
  record_approval(*store, kRun, {"publish", "bob@host", "2020-01-01T00:00:00Z", "good"});
  EXPECT_EQ(waited_for(step, *store, kRun), "");
  const auto approvals = read_approvals(*store, kRun);
  ASSERT_EQ(approvals.size(), 2U);
  EXPECT_TRUE(std::any_of(approvals.begin(), approvals.end(), [](const Approval& approval) {
    return approval.by == "bob@host" && approval.note == "good";
  }));
}

INSTANTIATE_TEST_SUITE_P(Stores, RunWaits, ::testing::ValuesIn(store::store_kinds()));

}  // namespace
}  // namespace geoloom::engine
