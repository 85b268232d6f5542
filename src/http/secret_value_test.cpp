// SPDX-License-Identifier: Apache-2.0
#include "http/secret_value.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "error/error.h"
#include "error/secrets.h"

namespace geoloom::http {
namespace {

using namespace std::chrono_literals;

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorCode::internal, "");
}

TEST(SecretValue, FromTheEnvironmentAFileOrACommand) {
  ::setenv("GEOLOOM_SECRET_ONE", "first-value\n", 1);
  EXPECT_EQ(secret_value("ONE"), "first-value");
  const auto path = testing::TempDir() + "/secret";
  std::ofstream(path) << "second-value\r\n";
  ::setenv("GEOLOOM_SECRET_TWO_FILE", path.c_str(), 1);
  EXPECT_EQ(secret_value("TWO"), "second-value");
  ::setenv("GEOLOOM_SECRET_THREE_COMMAND", "echo third-value", 1);
  EXPECT_EQ(secret_value("THREE"), "third-value");
  // None of them shows in messages from then on.
  EXPECT_EQ(without_secrets("a first-value b second-value c third-value"), "a *** b *** c ***");
}

TEST(SecretValue, WithoutAValue) {
  const auto none = error_of([] { secret_value("NOWHERE"); });
  EXPECT_EQ(none.code(), ErrorCode::denied);
  EXPECT_NE(none.hint().find("GEOLOOM_SECRET_NOWHERE"), std::string::npos);
  ::setenv("GEOLOOM_SECRET_FAILS_COMMAND", "echo secret-output; exit 3", 1);
  const auto failed = error_of([] { secret_value("FAILS"); });
  EXPECT_EQ(failed.code(), ErrorCode::denied);
  EXPECT_EQ(failed.cause(), "exit code 3");
  EXPECT_EQ(std::string(failed.what()).find("secret-output"), std::string::npos);
  // PATH cannot be sent anywhere by naming it.
  EXPECT_EQ(error_of([] { secret_value("PATH"); }).code(), ErrorCode::denied);
  EXPECT_EQ(error_of([] { secret_value("a b"); }).code(), ErrorCode::invalid);
  ::setenv("GEOLOOM_SECRET_GONE_FILE", "/no/such/file", 1);
  EXPECT_EQ(error_of([] { secret_value("GONE"); }).code(), ErrorCode::denied);
}

TEST(CommandOutput, GetsItsInput) {
  const std::string much(300'000, 'x');
  EXPECT_EQ(command_output("cat", much, 10s, "cat"), much);
  EXPECT_EQ(command_output("tr a-z A-Z", "abc", 10s, "tr"), "ABC");
  // Who does not read its input is no problem.
  EXPECT_EQ(command_output("echo done", much, 10s, "echo"), "done\n");
}

TEST(CommandOutput, EndsInTime) {
  // The test's own time limit is far below an hour.
  EXPECT_EQ(error_of([] { command_output("sleep 3600", "", 1s, "it"); }).code(),
            ErrorCode::unavailable);
  EXPECT_EQ(error_of([] { command_output("yes", "", 10s, "it"); }).code(), ErrorCode::corrupt);
}

}  // namespace
}  // namespace geoloom::http
