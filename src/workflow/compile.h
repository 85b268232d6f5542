// SPDX-License-Identifier: Apache-2.0
// From a resolved document to a checked workflow: ops made and bound, results and layers connected,
// steps in an order that respects layers. Nothing outside of the document is looked at.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workflow/closing_op.h"
#include "workflow/document.h"
#include "workflow/item.h"
#include "workflow/op.h"
#include "workflow/registry.h"
#include "workflow/scalar_expression.h"
#include "workflow/step_policy.h"

namespace geoloom::workflow {

struct InputRef {
  size_t node = 0;
  size_t output = 0;
};

// One op of a step's chain.
struct Node {
  std::shared_ptr<const Op> op;
  std::string result_name;       // `as`, or the op's name
  std::vector<InputRef> inputs;  // of nodes before this one
  Json identity;                 // {"op", "version", "parameters", "inputs"}
  Json recipe;                   // its own part of the recipe of what it makes, see recipe.h
  Place place;

  OpKind kind() const { return op->description().kind; }
  const SourceOp& source() const { return dynamic_cast<const SourceOp&>(*op); }
  const BlockOp& block() const { return dynamic_cast<const BlockOp&>(*op); }
  const SinkOp& sink() const { return dynamic_cast<const SinkOp&>(*op); }
  const TaskOp& task() const { return dynamic_cast<const TaskOp&>(*op); }
};

// The ops of a step bound to one combination of values on its axes of lists.
struct Chain {
  AxisLabels labels;
  std::vector<Node> nodes;
  Json identity() const;
};

// A parameter of an op, as a whole a late expression.
struct LatePort {
  Value value;
  std::string name;  // "reduce.min_count"
  std::string type;  // that it takes, as JSON Schema calls it; empty: several
};

struct Step {
  std::string name;
  std::string scope;  // of a component's step: what the component's use is called
  Domain domain;
  std::vector<Chain> chains;  // at least one; they differ in parameters only
  StepPolicy policy;
  std::optional<ScalarExpression> when;  // carried out only when this is true
  Place when_place;
  std::vector<std::string> layers_read;
  std::vector<std::string> layers_made;
  // What its ops and axes refer to that other steps report. While it waits for that its parameters
  // are not all known, nor, where an axis waits, its items.
  std::vector<LateReference> late;
  std::vector<LatePort> late_ports;
  bool waits = false;
  std::string absent;  // why it never comes to be known; empty: it does
  // Indices of steps whose layers it reads or that it refers to, all smaller than its own.
  std::vector<size_t> after;
  Place place;

  // Kinds, connections and names, in which all chains agree.
  const std::vector<Node>& nodes() const { return chains.front().nodes; }
  bool is_task() const { return !nodes().empty() && nodes().front().kind() == OpKind::task; }
  bool needs_grid() const;
  // The op chain in words, for provenance: "load@1 > median_rgb@1 > save@2".
  std::string chain_text() const;
};

// One entry of `outputs`.
struct WorkflowOutput {
  std::string name;
  ScalarExpression expression;
  Place place;
};

// One op of `finally`.
struct ClosingCall {
  std::string op;
  std::shared_ptr<const ClosingOp> closing;
  Place place;
};

struct Workflow {
  Document document;
  std::vector<Step> steps;                       // producers before readers
  std::map<std::string, size_t> layer_producer;  // layer -> step
  std::vector<WorkflowOutput> outputs;
  std::vector<ClosingCall> closing;
  std::chrono::milliseconds closing_timeout{std::chrono::minutes(1)};  // of all of them
};

// Throws Error(invalid): unknown op or key, unknown `from`, a name used twice, a layer with two
// producers or none, a chain that saves nothing, wrong kinds together, cycles. Types of conditions
// and outputs are known only when layers are planned, see Run.
Workflow compile(const Document& document, const Registry& registry);

}  // namespace geoloom::workflow
