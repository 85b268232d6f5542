// SPDX-License-Identifier: Apache-2.0
#include "cli/next_command.h"

#include <fmt/format.h>

namespace geoloom::cli {
namespace {

// For the shell: quoted where something else than letters would be read as a command.
std::string word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

bool says(const CauseOfFailure& cause, std::string_view words) {
  return cause.message.find(words) != std::string::npos ||
         cause.hint.find(words) != std::string::npos;
}

std::string item_of(const CauseOfFailure& cause) {
  if (cause.items.empty()) return {};
  const auto& first = cause.items.front();
  return first.substr(first.find('/') + 1);
}

std::string retry(const RunAddress& run, const std::string& more = {}) {
  return fmt::format("geoloom runs {} {} --store {}{}", run.held ? "resume" : "retry", word(run.id),
                     word(run.store), more);
}

NextStep about_scenes(const CauseOfFailure& cause, const RunAddress& run) {
  const auto scene = cause.scenes.size() == 1 ? "the scene " + cause.scenes.front()
                                              : fmt::format("the {} scenes", cause.scenes.size());
  return {fmt::format("get {} again, or leave it out: name it in the source's `exclude`, or give "
                      "`load` a `tolerate: {{scenes: N}}`",
                      scene),
          fmt::format("geoloom run {}", word(run.document))};
}

NextStep about_resources(const CauseOfFailure& cause, const RunAddress& run,
                         uint64_t memory_bytes) {
  if (says(cause, "memory"))
    return {"", retry(run, fmt::format(" --memory {}M", memory_bytes >> 20U))};
  return {"make room on the disk of the store or of TMPDIR", retry(run)};
}

}  // namespace

NextStep next_step(const CauseOfFailure& cause, const RunAddress& run, uint64_t memory_bytes) {
  if (cause.code == "not started" || cause.code == "unavailable" || cause.code == "lost")
    return {"", retry(run)};
  if (cause.code == "denied")
    return {cause.hint.empty() ? "see to it that the place may be read or written" : cause.hint,
            retry(run)};
  if (cause.code == "resource") return about_resources(cause, run, memory_bytes);
  if ((cause.code == "missing" || cause.code == "corrupt") && !cause.scenes.empty())
    return about_scenes(cause, run);
  if (cause.code == "missing" && says(cause, "layer"))
    return {"mend what keeps the items it reads from being made", retry(run)};
  if (cause.code == "invalid")
    return {"change the document", fmt::format("geoloom validate {}", word(run.document))};
  return {"", fmt::format("geoloom runs logs {} --store {} --item {}", word(run.id),
                          word(run.store), word(item_of(cause)))};
}

}  // namespace geoloom::cli
