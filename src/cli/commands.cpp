// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "engine/item_handler.h"
#include "error/error.h"
#include "error/spelling.h"
#include "gdal/dataset.h"
#include "kernels/target.h"
#include "ops/op_table.h"
#include "workflow/parameters.h"

namespace geoloom::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  geoloom plan workflow.yaml                 what would be done; no pixel is read
  geoloom run workflow.yaml -p year=2018     make the maps
  geoloom run workflow.yaml --sample 1       try one tile first
  geoloom ops median_rgb                     what an op does, and its parameters

Exit codes: 0 success, 2 wrong document, option or input, 3 the run ended but items failed,
4 nothing to do, 5 missing, 6 corrupt, 7 unavailable, 8 denied, 9 memory or disk, 70 a defect,
130 stopped by Ctrl-C, 143 by SIGTERM.)";

int report(const Error& error, const Commands& commands) {
  const auto& row = traits(error.code());
  std::string text = error.place().text();
  text = fmt::format("error: {}{}{}\n", text.empty() ? "" : text + ": ", error.message(),
                     error.cause().empty() ? "" : fmt::format(" ({})", error.cause()));
  if (!error.hint().empty()) text += fmt::format("  hint: {}\n", error.hint());
  std::cerr << text;
  if (commands.json) {
    const auto& place = error.place();
    const workflow::OrderedJson json{{"error",
                                      {{"code", row.name},
                                       {"message", error.message()},
                                       {"hint", error.hint()},
                                       {"cause", error.cause()},
                                       {"file", place.file},
                                       {"line", place.line},
                                       {"key", place.key},
                                       {"step", place.step},
                                       {"item", place.item},
                                       {"scene", place.scene},
                                       {"exit_code", row.exit_code}}}};
    std::cout << json.dump(1) << "\n";
  }
  return row.exit_code;
}

// Large arrays come from mmap and go back to the system when freed; few arenas, so that memory
// measured from outside is what the budget says.
void tune_allocator() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  mallopt(M_ARENA_MAX, 4);
}

void force_cpu_target() {
  try {
    kernels::force_target_from_environment();
  } catch (const std::invalid_argument& error) {
    throw Error(ErrorCode::invalid, fmt::format("GEOLOOM_CPU_TARGET: {}", error.what()));
  }
}

// What CLI11 says of a wrong command line, as one of our errors.
Error wrong_words(const CLI::App& app, const std::vector<std::string>& words,
                  const CLI::ParseError& error) {
  const auto parsed = app.get_subcommands();
  if (parsed.empty() && !words.front().starts_with("-")) {
    std::vector<std::string> known;
    for (const auto* command : app.get_subcommands([](const auto*) { return true; }))
      known.push_back(command->get_name());
    return Error(ErrorCode::invalid, fmt::format("there is no command '{}'", words.front()))
        .hint(spelling_hint(words.front(), known));
  }
  std::string command = "geoloom";
  if (!parsed.empty()) command += " " + parsed.front()->get_name();
  return Error(ErrorCode::invalid, error.what())
      .hint(fmt::format("`{} --help` prints what it takes", command));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  tune_allocator();
  workflow::Registry registry;
  ops::add_all(registry);
  Commands commands{registry};
  CLI::App app{"Geoloom weaves satellite scenes into maps.", "geoloom"};
  app.set_version_flag("--version", "geoloom " + engine::build_identity());
  app.require_subcommand(1);
  app.footer(kFooter);
  add_run(app, commands);
  add_plan(app, commands);
  add_graph(app, commands);
  add_grid(app, commands);
  add_validate(app, commands);
  add_schema(app, commands);
  add_ops(app, commands);
  add_indices(app, commands);
  add_sensors(app, commands);
  add_init(app, commands);
  add_runs(app, commands);
  add_models(app, commands);
  add_inspect(app, commands);
  add_view(app, commands);
  add_pixel(app, commands);
  add_plot(app, commands);
  add_diff(app, commands);
  add_dispatch(app, commands);
  add_dead(app, commands);
  add_up(app, commands);
  add_down(app, commands);
  add_serve(app, commands);
  add_doctor(app, commands);
  add_store(app, commands);
  try {
    force_cpu_target();
    gdal::initialise();
    app.parse(argc, argv);
    return commands.exit_code;
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    if (argc == 1) {
      std::cerr << app.help();
      return traits(ErrorCode::invalid).exit_code;
    }
    const std::vector<std::string> words(argv + 1, argv + argc);
    commands.json = std::find(words.begin(), words.end(), "--json") != words.end();
    return report(wrong_words(app, words, error), commands);
  } catch (const Error& error) {
    return report(error, commands);
  } catch (const std::bad_alloc&) {
    return report(Error(ErrorCode::resource, "out of memory"), commands);
  } catch (const std::exception& error) {
    return report(Error(ErrorCode::internal, error.what())
                      .hint("this is a defect of Geoloom; please report it"),
                  commands);
  }
}

}  // namespace geoloom::cli
