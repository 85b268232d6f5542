// SPDX-License-Identifier: Apache-2.0
#include "engine/run_control.h"

#include <gtest/gtest.h>

#include <atomic>

#include "store/test_store.h"

namespace geoloom::engine {
namespace {

using std::chrono::milliseconds;
constexpr const char* kRun = "20260101T000000Z-00000000";

class RunControls : public store::StoreTest {};

TEST_P(RunControls, SayNothingUnlessAsked) {
  EXPECT_FALSE(read_control(*store, kRun));
  clear_control(*store, kRun);
}

TEST_P(RunControls, AreReadBackAndCleared) {
  write_control(*store, kRun, {Hold::paused, "ada@host", "2026-01-01T00:00:00Z", "disk full"});
  auto control = read_control(*store, kRun);
  ASSERT_TRUE(control);
  EXPECT_EQ(control->text(), "paused by ada@host at 2026-01-01T00:00:00Z: disk full");
  write_control(*store, kRun, {Hold::cancelled, "bob@host", "2025-01-01T00:00:00Z", ""});
  control = read_control(*store, kRun);
  ASSERT_TRUE(control);
  EXPECT_EQ(control->hold, Hold::cancelled) << "more than paused, whatever their clocks say";
  EXPECT_FALSE(read_control(*store, "20260101T000000Z-11111111")) << "another run";
  clear_control(*store, kRun);
  EXPECT_FALSE(read_control(*store, kRun));
}

TEST_P(RunControls, MeanWhatTheirNameSays) {
  store->put_bytes("no JSON", std::string("runs/") + kRun + "/control/paused.json");
  EXPECT_EQ(read_control(*store, kRun)->text(), "paused");
}

TEST_P(RunControls, AreSeenByWhoWatches) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Hold> seen;
  const auto wait_for = [&](size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::minutes(1), [&] { return seen.size() >= count; });
  };
  const ControlWatch watch(
      *store, kRun, milliseconds(5),
      [&](const RunControl& control) {
        const std::lock_guard lock(mutex);
        seen.push_back(control.hold);
        changed.notify_all();
      },
      [](const Error& error) { ADD_FAILURE() << error.what(); });
  write_control(*store, kRun, {Hold::paused, "a", "", ""});
  EXPECT_TRUE(wait_for(1));
  write_control(*store, kRun, {Hold::cancelled, "a", "", ""});
  EXPECT_TRUE(wait_for(2));
  EXPECT_EQ(seen, (std::vector{Hold::paused, Hold::cancelled})) << "each is told once";
}

TEST_P(RunControls, AreNotLookedForWhenSwitchedOff) {
  write_control(*store, kRun, {Hold::paused, "a", "", ""});
  const ControlWatch watch(
      *store, kRun, milliseconds(0), [](const RunControl&) { ADD_FAILURE(); },
      [](const Error&) { ADD_FAILURE(); });
}

TEST_P(RunControls, AreAskedForNowAndThen) {
  ControlPoll patient(*store, kRun, std::chrono::hours(1)), eager(*store, kRun, milliseconds(0));
  EXPECT_FALSE(patient.current());
  EXPECT_FALSE(eager.current());
  write_control(*store, kRun, {Hold::paused, "a", "", ""});
  EXPECT_FALSE(patient.current());
  EXPECT_TRUE(eager.current());
}

INSTANTIATE_TEST_SUITE_P(Stores, RunControls, ::testing::ValuesIn(store::store_kinds()));

}  // namespace
}  // namespace geoloom::engine
