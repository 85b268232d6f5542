// SPDX-License-Identifier: Apache-2.0
// geoloom graph
#include "workflow/graph.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "error/error.h"
#include "http/secret_value.h"

namespace geoloom::cli {
namespace {

constexpr std::chrono::seconds kDrawingLimit{60};

// A picture by Graphviz's own program, whose layout nobody needs to write again.
std::string drawn(const std::string& dot, const std::string& format) {
  if (http::command_output("command -v dot || true", "", kDrawingLimit, "the shell").empty())
    throw Error(ErrorCode::missing, fmt::format("a graph as {} is drawn by Graphviz, whose program "
                                                "'dot' is not installed",
                                                format))
        .hint("install the package graphviz, or ask for --format text or dot");
  return http::command_output("dot -T" + format, dot, kDrawingLimit, "Graphviz (dot)");
}

std::string format_of(const std::string& asked, const std::string& output) {
  if (!asked.empty()) return asked;
  for (const auto* const ending : {"dot", "svg", "png", "pdf"})
    if (output.ends_with(fmt::format(".{}", ending))) return ending;
  return "text";
}

void write(const std::string& output, const std::string& content) {
  if (output.empty()) {
    std::cout << content;
    return;
  }
  std::ofstream file(output, std::ios::binary);
  file << content;
  file.close();
  if (!file) throw Error(ErrorCode::denied, "the file cannot be written").at({.file = output});
}

}  // namespace

void add_graph(CLI::App& app, Commands& commands) {
  auto* command = app.add_subcommand(
      "graph", "Draw what depends on what in a workflow; nothing outside of it is looked at");
  struct Arguments : DocumentArguments {
    std::string format, output;
  };
  const auto arguments = std::make_shared<Arguments>();
  arguments->add_document_to(*command);
  command
      ->add_option("--format", arguments->format,
                   "text, dot (Graphviz's language), svg, png or pdf; default: by the output's "
                   "ending, else text")
      ->check(CLI::IsMember({"text", "dot", "svg", "png", "pdf"}));
  command->add_option("-o,--output", arguments->output, "File to write; default: standard output");
  command->callback([arguments, &commands] {
    const auto workflow = workflow::compile(arguments->load(), commands.registry);
    const auto format = format_of(arguments->format, arguments->output);
    if (format == "text") return write(arguments->output, workflow::graph_text(workflow));
    const auto dot = workflow::graph_dot(workflow);
    write(arguments->output, format == "dot" ? dot : drawn(dot, format));
  });
}

}  // namespace geoloom::cli
