// SPDX-License-Identifier: Apache-2.0
#include "engine/task_message.h"

#include <gtest/gtest.h>

namespace geoloom::engine {
namespace {

using workflow::Json;

TEST(TaskMessages, SurviveTheWay) {
  const TaskMessage sent{"s3://b/p", "20261121T101500Z-1a2b3c4d", "composite", "2048_0", 3};
  auto json = to_json(sent);
  json["later"] = "ignored";
  const auto got = task_message_from_json(json);
  EXPECT_EQ(got.store, sent.store);
  EXPECT_EQ(got.run, sent.run);
  EXPECT_EQ(got.step, sent.step);
  EXPECT_EQ(got.item, sent.item);
  EXPECT_EQ(got.attempt, 3);
  EXPECT_EQ(got.deduplication_id(), "20261121T101500Z-1a2b3c4d/composite/2048_0");
}

TEST(TaskMessages, AreRefusedWhenSomethingIsMissingOrWrong) {
  const TaskMessage good{"out", "r", "s", "i", 1};
  const auto with = [&](const char* key, const Json& value) {
    auto json = to_json(good);
    json[key] = value;
    return json;
  };
  auto without_item = to_json(good);
  without_item.erase("item");
  for (const auto& bad :
       {Json(), Json::array(), Json("x"), Json::object(), without_item, with("geoloom_task", 2),
        with("geoloom_task", "1"), with("store", ""), with("run", 5), with("attempt", 0),
        with("attempt", "1"), with("item", std::string(5000, 'x'))})
    try {
      (void)task_message_from_json(bad);
      ADD_FAILURE() << bad.dump().substr(0, 100);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid) << bad.dump().substr(0, 100);
    }
}

}  // namespace
}  // namespace geoloom::engine
