// SPDX-License-Identifier: Apache-2.0
// Tells others how a run ended.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/retry.h"
#include "http/secret_value.h"
#include "http/url.h"
#include "workflow/closing_op.h"

namespace geoloom::ops {
namespace {

using workflow::ClosingContext;

const workflow::OpDescription kDescription{
    .name = "notify",
    .kind = workflow::OpKind::closing,
    .version = 1,
    .summary = "Send how a run ended to a webhook",
    .documentation =
        R"(Stands under `finally`, and so is carried out however a run ends: done, failed, paused, waiting, cancelled,
interrupted (by a signal) or past_deadline.

Sends a POST request with JSON: `text`, one line for people, which chat services show; and `run`, `document`, `store`,
`state`, `reason`, `started`, `finished`, `wall_seconds`, `steps` with their counts, `failures` grouped by cause with an example, and `outputs`. Addresses that give
access stand in no document: `webhook: {secret: NAME}` takes the address from `GEOLOOM_SECRET_NAME`
([secrets](../archives.md)).

A server that cannot be reached, or answers 408, 425, 429 or 5xx, is asked again until the time of `finally` is
over. What goes wrong is told and kept in the run's log, and changes neither results nor exit code.)",
    .inputs = {},
    .outputs = {}};

struct WebhookParameters {
  std::string url, secret;
  void declare(workflow::Parameters& parameters) {
    parameters.add("url", &url, "Address, http or https").main();
    parameters.add("secret", &secret, "Name of the secret that holds the address");
  }
};

const std::vector<std::string> kStates{"done",      "failed",      "paused",       "waiting",
                                       "cancelled", "interrupted", "past_deadline"};

// "cropland 20261121T101500Z-1a2b3c4d: failed. 3 of 1200 items have no result. missing: ..."
std::string line_of(const workflow::OrderedJson& report) {
  uint64_t items = 0, without = 0;
  for (const auto& step : report.at("steps")) {
    items += step.at("items").get<uint64_t>();
    without += step.at("failed").get<uint64_t>() + step.at("not_started").get<uint64_t>();
  }
  auto text =
      fmt::format("{} {}: {}", report.at("document").get<std::string>(),
                  report.at("run").get<std::string>(), report.at("state").get<std::string>());
  if (const auto reason = report.value("reason", std::string()); !reason.empty())
    text += ", " + reason;
  if (without > 0) text += fmt::format(". {} of {} items have no result", without, items);
  if (const auto& failures = report.at("failures"); !failures.empty())
    text += fmt::format(". {}: {}", failures.front().at("cause").get<std::string>(),
                        failures.front().at("message").get<std::string>());
  return text;
}

class Notify : public workflow::ClosingOp {
 public:
  const workflow::OpDescription& description() const override { return kDescription; }

  void declare(workflow::Parameters& parameters) override {
    parameters.add("webhook", &webhook_, "Where the request goes").required();
    parameters.add("on", &states_, "Only when the run ended so; default: always").choices(kStates);
  }

  void check() override {
    if (webhook_.url.empty() == webhook_.secret.empty())
      throw Error(ErrorCode::invalid, "notify.webhook: needs either url or secret")
          .hint("webhook: {secret: HOOK}, or webhook: https://...");
    if (!webhook_.url.empty()) (void)http::parse_url(webhook_.url);
  }

  void run(const ClosingContext& context) const override {
    if (!states_.empty() &&
        std::find(states_.begin(), states_.end(), context.ending.state) == states_.end())
      return;
    auto body = workflow::OrderedJson{{"text", line_of(context.ending.report)}};
    body.update(context.ending.report);
    http::Request request;
    request.method = "POST";
    request.url = webhook_.url.empty() ? http::secret_value(webhook_.secret) : webhook_.url;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body.dump();
    request.timeouts.total = std::min(request.timeouts.total, context.time_left);
    http::RetryRules rules;
    rules.give_up_after = context.time_left;
    http::Client client;
    const auto response =
        http::send_with_retries(client, request, rules, http::real_surroundings(), &context.stop);
    if (response.ok()) return;
    const auto verdict = http::verdict_of(response.status);
    throw Error(verdict == http::Verdict::denied      ? ErrorCode::denied
                : verdict == http::Verdict::permanent ? ErrorCode::invalid
                                                      : ErrorCode::unavailable,
                fmt::format("{} answered {} to the notification",
                            http::parse_url(request.url).origin(), response.status));
  }

 private:
  WebhookParameters webhook_;
  std::vector<std::string> states_;
};

}  // namespace

std::unique_ptr<workflow::Op> make_notify() {
  return std::make_unique<Notify>();
}

}  // namespace geoloom::ops
