// SPDX-License-Identifier: Apache-2.0
// Components: parts of documents with parameters of their own, in the document, in files, or in the
// library that comes with the program.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "workflow/document.h"

namespace geoloom::workflow {

// The text of a file that a document names. Throws Error.
using ReadFile = std::function<std::string(const std::string& name)>;

// How parts of a document are read; given by document.cpp, whose grammar it is.
struct PartReaders {
  std::function<OpCall(const Value&)> op;
  std::function<StepDeclaration(const std::string&, const Value&)> step;
  std::function<std::vector<OutputDeclaration>(const Value&)> outputs;
};

// An entry of `components`: a list of ops; {version, params, do}; {version, params, steps,
// outputs}; or a text, the file that holds one of these, or "geoloom:NAME" of the library. Throws
// Error(invalid) with the place.
Component read_component(const std::string& name, const Value& value, const PartReaders& readers,
                         const ReadFile& read_file);

// Puts the ops and steps of components where they are used, with their parameters in place, and
// makes references to outputs of components references to steps. What it leaves holds no `use`.
// Throws Error(invalid): no such component, another version, wrong parameters, a component within
// itself, more than 10 000 ops or steps.
struct ParameterScope;
void expand(Document& document, const ParameterScope& scope);

// Components that come with the program: "geoloom:NAME".
inline constexpr std::string_view kLibrary = "geoloom:";
// Throws Error(invalid) with the nearest name.
std::string library_text(const std::string& address);
// Names and texts.
std::span<const std::pair<std::string_view, std::string_view>> component_library();

}  // namespace geoloom::workflow
