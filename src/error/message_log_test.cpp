// SPDX-License-Identifier: Apache-2.0
#include "error/message_log.h"

#include <gtest/gtest.h>

#include <thread>

#include "error/secrets.h"

namespace geoloom {
namespace {

TEST(MessageLog, KeepsWhatItsThreadIsTold) {
  MessageLog outer, inner;
  tell(MessageLevel::warning, "nobody listens");
  {
    const MessageScope scope(&outer);
    tell(MessageLevel::warning, "first");
    {
      const MessageScope within(&inner);
      tell(MessageLevel::note, "second");
    }
    tell(MessageLevel::warning, "first");
    std::thread([] { tell(MessageLevel::error, "of a thread without a log"); }).join();
    std::thread([log = MessageLog::current()] {
      const MessageScope handed_on(log);
      tell(MessageLevel::error, "of one that was given it");
    }).join();
  }
  EXPECT_EQ(MessageLog::current(), nullptr);
  ASSERT_EQ(outer.messages().size(), 2U);
  EXPECT_EQ(outer.messages()[0].text, "first");
  EXPECT_EQ(outer.messages()[0].times, 2U);
  EXPECT_EQ(outer.messages()[1].text, "of one that was given it");
  EXPECT_STREQ(name_of(outer.messages()[1].level), "error");
  ASSERT_EQ(inner.messages().size(), 1U);
}

TEST(MessageLog, IsBounded) {
  MessageLog log;
  const MessageScope scope(&log);
  for (size_t i = 0; i < MessageLog::kMostMessages + 7; ++i)
    tell(MessageLevel::note, std::to_string(i));
  EXPECT_EQ(log.messages().size(), MessageLog::kMostMessages);
  EXPECT_EQ(log.left_out(), 7U);
  tell(MessageLevel::note, "0");
  EXPECT_EQ(log.left_out(), 7U) << "what is known is counted where it stands";
}

TEST(MessageLog, KeepsOneLineWithoutSecretsAndWholeCharacters) {
  MessageLog log;
  keep_secret("hush-hush-word");
  const MessageScope scope(&log);
  tell(MessageLevel::warning, "a\nb https://user:word@host/x?sig=abc and hush-hush-word");
  EXPECT_EQ(log.messages()[0].text, "a b https://***@host/x?sig=*** and ***");
  std::string text(MessageLog::kMostBytes - 1, 'x');
  tell(MessageLevel::warning, text + "\xC3\xA9 and more");
  EXPECT_EQ(log.messages()[1].text, text + "...");
  // A secret that the limit would cut in two.
  tell(MessageLevel::warning, std::string(MessageLog::kMostBytes - 3, 'y') + "hush-hush-word");
  EXPECT_EQ(log.messages()[2].text.find("hush"), std::string::npos);
}

}  // namespace
}  // namespace geoloom
