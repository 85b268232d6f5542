// SPDX-License-Identifier: Apache-2.0
// Runs text scenes: scene_runner [--show] [--update] [--covers OP] FILE...
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "gdal/dataset.h"
#include "ops/op_table.h"
#include "scene_runner_verdict.h"

namespace {

using geoloom::scene_runner::SceneCase;
using geoloom::scene_runner::Verdict;

struct Arguments {
  bool show = false, update = false;
  std::string covers;  // a pinned case must have this op
  std::vector<std::string> files;
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw geoloom::Error(geoloom::ErrorCode::missing, "cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// Replaces the one line of each `pinned:`.
void update_pins(const std::string& path, const std::vector<std::pair<int, std::string>>& pins) {
  auto lines = lines_of(read_text(path));
  for (const auto& [line, text] : pins) lines[static_cast<size_t>(line - 1)] = text;
  std::ofstream out(path, std::ios::binary);
  for (const auto& line : lines) out << line << "\n";
}

bool covers(const SceneCase& scene_case, const std::string& op) {
  const auto* ops = scene_case.pinned.find("ops");
  return ops != nullptr && (" " + ops->text).find(" " + op + "@") != std::string::npos;
}

// The number of cases that failed.
int run_file(const std::string& path, const Arguments& arguments,
             const geoloom::workflow::Registry& registry, size_t& cases_run) {
  int failed = 0;
  const auto cases = geoloom::scene_runner::parse_scene_file(read_text(path), path);
  bool covered = arguments.covers.empty();
  std::vector<std::pair<int, std::string>> pins;
  for (const auto& scene_case : cases) {
    auto verdict = judge(scene_case, registry);
    ++cases_run;
    covered = covered || covers(scene_case, arguments.covers);
    if (arguments.show)
      std::cout << scene_case.place() << ": " << scene_case.title << "\n" << verdict.shown;
    const bool pins_it = arguments.update && !verdict.pin.empty() && !verdict.pin_refused &&
                         verdict.failures.empty();
    if (pins_it)
      pins.emplace_back(scene_case.pinned.line, verdict.pin);
    else if (!verdict.pin_failure.empty())
      verdict.failures.push_back(verdict.pin_failure);
    for (const auto& failure : verdict.failures) std::cout << failure << "\n";
    failed += verdict.failures.empty() ? 0 : 1;
  }
  if (!pins.empty()) update_pins(path, pins);
  if (!covered && pins.empty()) {
    std::cout << fmt::format(
        "{}:1: no case pins the pixels of '{}': end one with `pinned: {{}}` and run --update\n",
        path, arguments.covers);
    ++failed;
  }
  return failed;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--show")
      arguments.show = true;
    else if (argument == "--update")
      arguments.update = true;
    else if (argument == "--covers" && i + 1 < argc)
      arguments.covers = argv[++i];
    else
      arguments.files.push_back(argument);
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (arguments.files.empty()) {
    std::cerr << "scene_runner [--show] [--update] [--covers OP] FILE...\n";
    return 2;
  }
  geoloom::gdal::initialise();
  geoloom::workflow::Registry registry;
  geoloom::ops::add_all(registry);
  size_t cases = 0;
  int failed = 0;
  for (const auto& file : arguments.files) {
    try {
      failed += run_file(file, arguments, registry, cases);
    } catch (const std::exception& error) {
      std::cout << error.what() << "\n";
      ++failed;
    }
  }
  std::cout << fmt::format("{} passed, {} failed\n",
                           cases - std::min<size_t>(cases, static_cast<size_t>(failed)), failed);
  return failed == 0 ? 0 : 1;
}
