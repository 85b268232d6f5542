// SPDX-License-Identifier: Apache-2.0
#include "cli/scene_node.h"

#include <fmt/format.h>

#include "error/error.h"
#include "error/spelling.h"

namespace geoloom::cli {

SceneNode scene_node(const workflow::Run& run, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& step : run.steps()) {
    if (step.step->is_task()) continue;
    const auto& chain = step.step->chains.front();
    for (size_t n = 0; n < chain.nodes.size(); ++n) {
      const auto& node = chain.nodes[n];
      if (node.kind() != workflow::OpKind::source || node.source().layer()) continue;
      names.push_back(step.step->name);
      if (wanted.empty() || wanted == step.step->name) return {&step, n};
    }
  }
  if (names.empty()) throw Error(ErrorCode::invalid, "no step of the document loads scenes");
  throw Error(ErrorCode::invalid, fmt::format("--step: '{}' is no step that loads scenes", wanted))
      .hint(spelling_hint(wanted, names));
}

}  // namespace geoloom::cli
