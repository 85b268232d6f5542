// SPDX-License-Identifier: Apache-2.0
#include "workflow/profile.h"

#include <gtest/gtest.h>

#include "workflow/document.h"

namespace geoloom::workflow {
namespace {

constexpr const char* kHead = R"(geoloom: 1
name: x
store: out/plain
deadline: 5 h
params: {region: north, threads: 3}
steps:
  composite: {retry: 5, timeout: 1 h, do: [{load: {}}, {save: a}]}
  map: {do: [{mosaic: {layer: a}}]}
profiles:
  dev:
    store: out/dev/${region}
    deadline: 10 min
    pool: {memory: 2G, threads: $threads, via: "http://127.0.0.1:1"}
    limits: {retry: 1, max_failed: 5 %}
    steps: {map: {timeout: 2 min, max_failed: 1}}
)";

Document resolved(const std::string& profile, const std::string& text = kHead) {
  auto document = parse_document(text, "a.yaml");
  document.profile = profile;
  resolve(document, {});
  return document;
}

std::string refusal(const std::string& profiles, const std::string& chosen = "") {
  const std::string head = kHead;
  try {
    (void)resolved(chosen, head.substr(0, head.find("profiles:")) + "profiles: " + profiles + "\n");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "accepted";
}

void expect_refusal(const std::string& profiles, const std::string& says,
                    const std::string& chosen = "") {
  EXPECT_NE(refusal(profiles, chosen).find(says), std::string::npos)
      << profiles << "\n  says: " << refusal(profiles, chosen);
}

TEST(Profile, ChangesNothingUnlessChosen) {
  const auto document = resolved("");
  EXPECT_EQ(document.store.text, "out/plain");
  EXPECT_EQ(document.steps[0].retry.text, "5");
  EXPECT_TRUE(document.pool.memory.empty());
}

TEST(Profile, ChangesStorePoolAndLimits) {
  const auto document = resolved("dev");
  EXPECT_EQ(document.store.text, "out/dev/north");
  EXPECT_EQ(document.deadline.text, "10 min");
  EXPECT_EQ(document.pool.memory, "2G");
  EXPECT_EQ(document.pool.threads, 3);
  EXPECT_EQ(document.pool.reads, 0);
  EXPECT_EQ(document.pool.via, std::vector<std::string>{"http://127.0.0.1:1"});
  EXPECT_EQ(document.steps[0].retry.text, "1") << "limits of all steps win over the step's own";
  EXPECT_EQ(document.steps[0].timeout.text, "1 h");
  EXPECT_EQ(document.steps[0].max_failed.text, "5 %");
  EXPECT_EQ(document.steps[1].max_failed.text, "1") << "those of a step win over those of all";
  EXPECT_EQ(document.steps[1].timeout.text, "2 min");
}

TEST(Profile, CannotChangeWhatIsMade) {
  for (const auto* const key : {"params: {region: south}", "area: {}", "sources: {}", "secrets: []",
                                "include: b.yaml", "components: {}", "outputs: {}", "name: y"})
    expect_refusal(std::string("{dev: {") + key + "}}", "cannot change");
  for (const auto* const key : {"do: []", "over: tiles", "when: true", "min_ok: 1", "cache: false",
                                "max_age: 1 d", "waits_for: {}"}) {
    expect_refusal(std::string("{dev: {steps: {map: {") + key + "}}}}", "cannot change");
    expect_refusal(std::string("{dev: {limits: {") + key + "}}}", "cannot change");
  }
}

TEST(Profile, IsCheckedThoughItIsNotChosen) {
  expect_refusal("{dev: {stor: out}}", "unknown key 'stor'");
  expect_refusal("{dev: {pool: {thread: 3}}}", "unknown key 'thread'");
  expect_refusal("{dev: {pool: {threads: 0}}}", "threads");
  expect_refusal("{dev: {limits: {retry: often}}}", "retry");
  expect_refusal("{dev: {limits: {timeout: 5}}}", "a time with its unit");
  expect_refusal("{dev: {steps: {mop: {retry: 1}}}}", "there is no step 'mop'");
  expect_refusal("{dev: {store: $regin}}", "regin");
  expect_refusal("{dev: {store: $item.month}}", "item");
  expect_refusal("{dev: []}", "must be a map");
  expect_refusal("[dev]", "must be a map");
  expect_refusal("{Dev: {}}", "cannot be the name of a profile");
}

TEST(Profile, MustBeDeclared) {
  expect_refusal("{dev: {}, prod: {}}", "no profile 'pod'", "pod");
  expect_refusal("{dev: {}, prod: {}}", "did you mean 'prod'", "pod");
}

}  // namespace
}  // namespace geoloom::workflow
