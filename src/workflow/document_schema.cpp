// SPDX-License-Identifier: Apache-2.0
// The JSON Schema editors use (yaml-language-server and others): completion, help, early errors.
// The document parser stays the judge; the schema only has to accept every good document.
#include "workflow/document.h"
#include "workflow/source_parameters.h"
#include "workflow/step_policy.h"

namespace geoloom::workflow {
namespace {

constexpr const char* kName = "^[a-z][a-z0-9_-]*$";
constexpr const char* kId = "urn:geoloom:document:1";

OrderedJson one_of_these(OrderedJson forms) {
  return {{"anyOf", std::move(forms)}};
}

// The schema, or "$name": references may stand for any value. Goes into objects, lists and choices.
OrderedJson or_reference(OrderedJson schema) {
  const OrderedJson reference = {{"$ref", "#/definitions/reference"}};
  if (schema.contains("properties"))
    for (auto& property : schema["properties"].items())
      property.value() = or_reference(std::move(property.value()));
  for (const char* inner : {"items", "additionalProperties"})
    if (schema.contains(inner) && schema[inner].is_object())
      schema[inner] = or_reference(std::move(schema[inner]));
  const bool any_text = schema.value("type", OrderedJson()) == "string" && !schema.contains("enum");
  if (any_text || (!schema.contains("type") && !schema.contains("anyOf"))) return schema;
  OrderedJson forms = OrderedJson::array();
  OrderedJson out;
  for (const char* note : {"description", "default"}) {
    if (!schema.contains(note)) continue;
    out[note] = schema[note];
    schema.erase(note);
  }
  if (schema.contains("anyOf")) {
    for (auto& form : schema["anyOf"]) {
      // The branches' own references would only repeat this one.
      OrderedJson inner = or_reference(form);
      const bool wrapped = inner.contains("anyOf") && inner["anyOf"].back() == reference;
      if (!wrapped) {
        forms.push_back(std::move(inner));
        continue;
      }
      for (auto& part : inner["anyOf"])
        if (part != reference) forms.push_back(std::move(part));
    }
  } else {
    forms.push_back(std::move(schema));
  }
  forms.push_back(reference);
  out["anyOf"] = std::move(forms);
  return out;
}

OrderedJson text(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

// Adds `from` and `as` to the object form of an op's parameters.
OrderedJson with_names(OrderedJson schema) {
  OrderedJson& object = schema.contains("anyOf") ? schema["anyOf"][0] : schema;
  if (!object.contains("properties")) return schema;
  auto& properties = object["properties"];
  if (!properties.contains("from"))
    properties["from"] = {{"description", "The results to work on; default: the previous one"},
                          {"type", OrderedJson::array({"string", "array"})},
                          {"items", {{"type", "string"}}},
                          {"minItems", 1}};
  if (!properties.contains("as"))
    properties["as"] = {
        {"description", "Name of this result"}, {"type", "string"}, {"pattern", kName}};
  return schema;
}

OrderedJson op_schema(const OpSchema& op) {
  OrderedJson parameters = with_names(or_reference(op.parameters));
  parameters["description"] = op.summary;
  return {{"type", "object"},
          {"title", op.name},
          {"properties", {{op.name, std::move(parameters)}}},
          {"required", OrderedJson::array({op.name})},
          {"additionalProperties", false}};
}

OrderedJson parameter_schema() {
  OrderedJson properties = {
      {"type",
       {{"enum", OrderedJson::array({"string", "path", "integer", "number", "boolean", "year",
                                     "date", "period", "list"})},
        {"description", "Type of the value; without it the default tells"}}},
      {"default", {{"description", "The value unless given; null: absent unless given"}}},
      {"help", text("What the parameter means")},
      {"choices", {{"type", "array"}, {"minItems", 1}, {"description", "The values allowed"}}},
      {"range",
       {{"description", "Lowest and highest value, both included: 1..12"},
        {"type", OrderedJson::array({"string", "array"})}}}};
  OrderedJson declaration = {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  OrderedJson short_form = {{"type", OrderedJson::array({"string", "number", "boolean", "array"})},
                            {"description", "The default, which also tells the type"}};
  return one_of_these(OrderedJson::array({std::move(declaration), std::move(short_form)}));
}

template <class T>
OrderedJson schema_of() {
  T object;
  Parameters parameters;
  object.declare(parameters);
  return or_reference(parameters.schema());
}

OrderedJson described(OrderedJson schema, const char* description) {
  schema["description"] = description;
  return schema;
}

OrderedJson named_map(const char* description, OrderedJson member) {
  return {{"type", "object"},
          {"description", description},
          {"propertyNames", {{"pattern", kName}}},
          {"additionalProperties", std::move(member)}};
}

OrderedJson use_schema(const char* description) {
  OrderedJson map = {{"type", "object"},
                     {"properties",
                      {{"component", text("Its name")},
                       {"version", {{"type", "integer"}, {"minimum", 1}}},
                       {"with", {{"type", "object"}, {"description", "Its parameters"}}},
                       {"from", {{"type", OrderedJson::array({"string", "array"})}}},
                       {"as", {{"type", "string"}, {"pattern", kName}}}}},
                     {"required", OrderedJson::array({"component"})},
                     {"additionalProperties", false}};
  auto schema = one_of_these(OrderedJson::array({text("Its name"), std::move(map)}));
  schema["description"] = description;
  return schema;
}

OrderedJson step_schema() {
  OrderedJson properties = {
      {"over", {{"description", "What the step is applied to, such as tiles; default: once"}}},
      {"description", text("What the step is for")},
      {"when", text("Carried out only if this is true: a condition over parameters and what steps "
                    "report, such as $quality.stats.valid_share > 0.6")},
      {"retry", described(schema_of<RetryPolicy>(), "How often an item that failed is tried")},
      {"timeout", described(or_reference(ParameterType<Duration>::schema({})),
                            "How long one attempt at an item may take, as in 20 min")},
      {"breaker",
       described(one_of_these(OrderedJson::array(
                     {schema_of<BreakerPolicy>(), {{"const", "off"}}, {{"const", false}}})),
                 "When failures of one cause pause the step")},
      {"deadline", described(or_reference(ParameterType<Duration>::schema({})),
                             "How long the step may take, from its start")},
      {"at_once", described(or_reference({{"type", "integer"}, {"minimum", 1}}),
                            "Most items of the step that are under way at a time")},
      {"max_failed", described(or_reference(ParameterType<Portion>::schema({})),
                               "More failed items end the step: a number or a share of them")},
      {"min_ok", described(or_reference(ParameterType<Portion>::schema({})),
                           "So many items of each layer suffice to gather them")},
      {"waits_for",
       described(schema_of<WaitsFor>(), "A file that is to appear, or a person who is to approve")},
      {"cache", described(or_reference({{"type", "boolean"}}),
                          "false: items are made again at each new run")},
      {"max_age", described(or_reference(ParameterType<Duration>::schema({})),
                            "Items made longer ago are made again, as in 7 d")},
      {"do",
       {{"type", "array"},
        {"minItems", 1},
        {"description", "The ops, in order; each works on the previous one's result"},
        {"items", {{"$ref", "#/definitions/op"}}}}}};
  properties["use"] = use_schema("A component whose steps stand for this one");
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"anyOf", OrderedJson::array({{{"required", OrderedJson::array({"do"})}},
                                        {{"required", OrderedJson::array({"use"})}}})},
          {"additionalProperties", false}};
}

OrderedJson limits_properties() {
  OrderedJson properties;
  const auto step = step_schema();
  for (const auto* const key : {"retry", "timeout", "deadline", "breaker", "max_failed", "at_once"})
    properties[key] = step["properties"][key];
  return properties;
}

OrderedJson closed_object(const char* description, OrderedJson properties) {
  return {{"type", "object"},
          {"description", description},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

OrderedJson profile_schema() {
  const OrderedJson count = or_reference({{"type", "integer"}, {"minimum", 1}, {"maximum", 4096}});
  OrderedJson pool = {{"memory", text("Memory of the whole process, as in 2G")},
                      {"threads", described(count, "Computing threads")},
                      {"reads", described(count, "Reads in flight")},
                      {"via",
                       {{"type", OrderedJson::array({"string", "array"})},
                        {"items", {{"type", "string"}}},
                        {"description", "Workers that make the items, or a topic"}}}};
  return closed_object(
      "Where and how the document is carried out",
      {{"description", text("When to choose it")},
       {"pool", closed_object("What carries the run out", std::move(pool))},
       {"store", text("Folder or address where results and receipts go")},
       {"deadline", described(or_reference(ParameterType<Duration>::schema({})),
                              "How long an execution of the run may take")},
       {"limits", closed_object("Of all steps", limits_properties())},
       {"steps",
        named_map("Of single steps", closed_object("Limits of the step", limits_properties()))}});
}

OrderedJson component_schema() {
  OrderedJson list = {
      {"type", "array"}, {"minItems", 1}, {"items", {{"$ref", "#/definitions/op"}}}};
  OrderedJson source = text("The file that holds it, or geoloom:NAME of the library");
  OrderedJson map = {{"type", "object"},
                     {"properties",
                      {{"version", {{"type", "integer"}, {"minimum", 1}}},
                       {"description", text("What it is for")},
                       {"params", named_map("Its parameters", parameter_schema())},
                       {"do", list},
                       {"steps", named_map("Its steps", {{"type", "object"}})},
                       {"outputs", named_map("What its steps give: $step.layer",
                                             {{"type", "string"}, {"pattern", "^[$=]"}})}}},
                     {"additionalProperties", false}};
  return one_of_these(OrderedJson::array({std::move(list), std::move(source), std::move(map)}));
}

OrderedJson trials_schema() {
  const OrderedJson values = {{"type", "object"}, {"minProperties", 1}};
  const OrderedJson objective = {{"type", "string"}, {"pattern", "^[$=]"}};
  return {{"type", "object"},
          {"properties",
           {{"grid", described(values, "Every combination of the values of these parameters")},
            {"list",
             {{"type", "array"},
              {"minItems", 1},
              {"items", or_reference(values)},
              {"description", "The trials one by one, as maps"}}},
            {"random",
             {{"type", "object"},
              {"description", "Combinations drawn by a seed"},
              {"properties",
               {{"count", or_reference({{"type", "integer"}, {"minimum", 1}})},
                {"seed", or_reference({{"type", "integer"}, {"minimum", 0}})},
                {"of", described(values, "Lists, ranges such as 1..9, or {range, scale, whole}")}}},
              {"required", OrderedJson::array({"count", "seed", "of"})},
              {"additionalProperties", false}}},
            {"maximize", described(objective, "What the best trial has most of")},
            {"minimize", described(objective, "What the best trial has least of")},
            {"tolerate", described(or_reference({{"type", "integer"}, {"minimum", 0}}),
                                   "How many trials may fail; default: none")}}},
          {"additionalProperties", false}};
}

OrderedJson closing_schema() {
  OrderedJson list = {
      {"type", "array"}, {"minItems", 1}, {"items", {{"$ref", "#/definitions/op"}}}};
  OrderedJson map = {{"type", "object"},
                     {"properties",
                      {{"timeout", described(or_reference(ParameterType<Duration>::schema({})),
                                             "How long all of it may take; default: 1 min")},
                       {"do", list}}},
                     {"required", OrderedJson::array({"do"})},
                     {"additionalProperties", false}};
  auto schema = one_of_these(OrderedJson::array({std::move(list), std::move(map)}));
  schema["description"] = "What follows the run, however it ends";
  return schema;
}

}  // namespace

OrderedJson document_schema(const std::vector<OpSchema>& ops) {
  OrderedJson calls = OrderedJson::array();
  for (const auto& op : ops) calls.push_back(op_schema(op));
  calls.push_back({{"type", "object"},
                   {"title", "use"},
                   {"properties", {{"use", use_schema("A component whose ops stand here")}}},
                   {"required", OrderedJson::array({"use"})},
                   {"additionalProperties", false}});
  OrderedJson steps =
      named_map("What is done, by name; order follows from the layers read", step_schema());
  steps["minProperties"] = 1;
  OrderedJson name = text("What the workflow is called");
  name["pattern"] = kName;
  OrderedJson properties = {
      {"geoloom", {{"const", kDocumentVersion}, {"description", "Version of this format"}}},
      {"name", std::move(name)},
      {"description", text("What the workflow makes, for people")},
      {"params", named_map("Values that can be given with -p NAME=VALUE", parameter_schema())},
      {"store", text("Folder or address where results and receipts go")},
      {"area",
       {{"type", OrderedJson::array({"object", "null"})},
        {"description", "The pixel grid and how it is cut into tiles"}}},
      {"sources", named_map("Archives that `load` reads by name", schema_of<SourceParameters>())},
      {"secrets",
       {{"type", "array"},
        {"items", {{"type", "string"}, {"pattern", "^[A-Z][A-Z0-9_]*$"}}},
        {"description", "Names of secrets; their values come from the environment"}}},
      {"deadline", described(or_reference(ParameterType<Duration>::schema({})),
                             "How long an execution of the run may take")},
      {"steps", std::move(steps)},
      {"outputs", named_map("What the run gives to who started it: $step.layer, "
                            "$step.layer.metric, or an expression that begins with '='",
                            {{"type", "string"}, {"pattern", "^[$=]"}})},
      {"trials", named_map("Combinations of values that steps try out", trials_schema())},
      {"components", named_map("Parts that steps use by name", component_schema())},
      {"finally", closing_schema()},
      {"profiles", named_map("What --profile NAME chooses from", profile_schema())},
      {"include",
       {{"type", OrderedJson::array({"string", "array"})},
        {"items", {{"type", "string"}}},
        {"description", "Files whose keys hold where this one says nothing else"}}}};
  return {
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"$id", kId},
      {"title", "Geoloom workflow document"},
      {"description", "How a map is made from satellite scenes."},
      {"type", "object"},
      {"properties", std::move(properties)},
      {"required", OrderedJson::array({"geoloom"})},
      {"anyOf", OrderedJson::array({{{"required", OrderedJson::array({"name", "store", "steps"})}},
                                    {{"required", OrderedJson::array({"include"})}}})},
      {"additionalProperties", false},
      {"definitions",
       {{"reference",
         {{"type", "string"},
          {"pattern", "^\\$"},
          {"description", "A reference to a parameter: $name"}}},
        {"op", one_of_these(std::move(calls))}}}};
}

}  // namespace geoloom::workflow
