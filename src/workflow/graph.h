// SPDX-License-Identifier: Apache-2.0
// What depends on what in a workflow, for people to look at. Edges are the layers that steps read.
#pragma once

#include <string>

#include "workflow/compile.h"

namespace geoloom::workflow {

// A paragraph for each step, producers first: domain, ops, what it reads from whom, what it makes.
std::string graph_text(const Workflow& workflow);

// The same in Graphviz's language: steps are boxes, layers that other steps read are edges, scenes
// and layers that nobody reads (the workflow's results) are ovals.
std::string graph_dot(const Workflow& workflow);

}  // namespace geoloom::workflow
