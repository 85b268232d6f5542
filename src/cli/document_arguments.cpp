// SPDX-License-Identifier: Apache-2.0
#include "cli/document_arguments.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "cli/quantities.h"
#include "error/error.h"
#include "gdal/dataset.h"
#include "kernels/target.h"

namespace geoloom::cli {
namespace {

constexpr size_t kParameterFileLimit = size_t{4} << 20;

std::filesystem::path state_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state && *state) return std::filesystem::path(state) / "geoloom" / "last_store";
  if (home && *home)
    return std::filesystem::path(home) / ".local" / "state" / "geoloom" / "last_store";
  return {};
}

void force_cpu_target(const std::string& name) {
  try {
    kernels::force_target(name);
  } catch (const std::invalid_argument& error) {
    throw Error(ErrorCode::invalid, fmt::format("--cpu-target: {}", error.what()));
  }
}

size_t memory_of(const workflow::Pool& pool) {
  if (pool.memory.empty()) return engine::default_memory_bytes();
  try {
    return parse_bytes(pool.memory, "pool.memory");
  } catch (Error& error) {
    error.at(pool.memory_place);
    throw;
  }
}

// GEOLOOM_PARAM_LEAST_COUNT gives the parameter `least-count` or `least_count`. What the document
// does not declare is no mistake: the variable may be meant for another.
std::map<std::string, workflow::GivenParameter> parameters_of_environment(
    const workflow::Document& document) {
  std::map<std::string, workflow::GivenParameter> given;
  for (const auto& declaration : document.params) {
    std::string variable = "GEOLOOM_PARAM_";
    for (const char c : declaration.name)
      variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const char* const value = std::getenv(variable.c_str());
    if (value == nullptr) continue;
    const auto origin = "environment " + variable;
    given[declaration.name] = {workflow::parse_yaml_scalar(value, origin), origin};
  }
  return given;
}

}  // namespace

void DocumentArguments::add_document_to(CLI::App& command) {
  command.add_option("WORKFLOW", workflow, "Workflow document (YAML or JSON)")->required();
  command.add_option("-p,--param", settings, "Set a parameter: NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("-P,--param-file", parameter_files, "YAML file with parameters")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--profile", profile,
                     "One of the document's profiles: where and how it is carried out");
}

void DocumentArguments::add_to(CLI::App& command) {
  add_document_to(command);
  command.add_option(
      "--tiles", tiles,
      "Only these tiles: names, indices, ranges, slices, bbox=W,S,E,N, as in 3,10-20,2048_0,::10");
  command.add_option("--sample", sample, "Only N tiles, spread over the area")
      ->check(CLI::Range(1, 1000000000));
  command.add_option("--only", only, "Only these steps, separated by commas");
  command.add_option("--resolution", resolution,
                     "Trial at a coarser resolution, as in 60m (nearest neighbour)");
}

workflow::Document DocumentArguments::load(const MatrixRow* row) const {
  auto document = workflow::read_document(workflow);
  auto given = parameters_of_environment(document);
  for (const auto& path : parameter_files) {
    const auto values = workflow::parse_yaml(gdal::read_file(path, kParameterFileLimit), path);
    if (values.kind != workflow::Value::Kind::map)
      throw values.error("a parameter file is a map of names to values");
    for (const auto& [name, value] : values.map) given[name] = {value, path};
  }
  if (row != nullptr)
    for (const auto& [name, parameter] : row->given) given[name] = parameter;
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorCode::invalid, fmt::format("-p {}: write NAME=VALUE", setting));
    given[setting.substr(0, equals)] = {
        workflow::parse_yaml_scalar(setting.substr(equals + 1), "command line"), "command line"};
  }
  document.profile = profile;
  workflow::resolve(document, given);
  return document;
}

std::unique_ptr<workflow::Run> DocumentArguments::create_run(const workflow::Registry& registry,
                                                             const MatrixRow* row) const {
  workflow::RunOptions options;
  options.selection = {tiles, sample};
  for (size_t start = 0; start < only.size();) {
    const auto comma = std::min(only.find(',', start), only.size());
    options.only.push_back(only.substr(start, comma - start));
    start = comma + 1;
  }
  if (!resolution.empty()) options.trial_resolution = parse_resolution(resolution);
  return workflow::Run::create(load(row), registry, options, engine::build_identity());
}

void MachineArguments::add_to(CLI::App& command) {
  command.add_option("--memory", memory,
                     "Memory of the whole process, as in 768M; default 60 % of the machine");
  command.add_option("--threads", threads, "Computing threads; default: the machine's cores");
  command.add_option("--reads", reads,
                     "Reads in flight; default: as many as threads, over a network up to 32");
  command.add_option("--cpu-target", cpu_target,
                     "Instruction set of the computing, as doctor lists them; default: the best");
}

engine::RunnerOptions MachineArguments::options() const {
  return options(workflow::Pool());
}

engine::RunnerOptions MachineArguments::options(const workflow::Pool& pool) const {
  engine::RunnerOptions options;
  if (!memory.empty())
    options.memory_bytes = parse_bytes(memory, "--memory");
  else
    options.memory_bytes = memory_of(pool);
  options.threads = threads > 0 ? threads : static_cast<unsigned>(pool.threads);
  options.reads = reads > 0 ? reads : static_cast<unsigned>(pool.reads);
  if (!cpu_target.empty()) force_cpu_target(cpu_target);
  return options;
}

std::string last_store() {
  std::ifstream file(state_file());
  std::string url;
  if (!std::getline(file, url) || url.empty())
    throw Error(ErrorCode::invalid, "which store? no run was made on this machine yet")
        .hint("name it with --store, or give the workflow document");
  return url;
}

void remember_store(const std::string& url) {
  const auto path = state_file();
  if (path.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const bool remote = url.find("://") != std::string::npos;
  // A convenience only: not being able to write it changes nothing.
  std::ofstream(path) << (remote ? url : std::filesystem::absolute(url, error).string()) << "\n";
}

}  // namespace geoloom::cli
