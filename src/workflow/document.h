// SPDX-License-Identifier: Apache-2.0
// The workflow document: what a user writes. Parsed with places, parameters typed and resolved,
// nothing executed. Format version 1.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "workflow/late_values.h"
#include "workflow/parameter_declaration.h"
#include "workflow/parameters.h"
#include "workflow/trials.h"
#include "workflow/value.h"

namespace geoloom::workflow {

inline constexpr int kDocumentVersion = 1;

// One entry of a step's `do` list. `from` and `as` are taken out of the op's own parameters.
struct OpCall {
  std::string op;                 // `use` before resolve(): a component's ops stand for it
  Value arguments;                // map, list, scalar or null; references resolved
  std::vector<std::string> from;  // names of results; empty = the previous one
  std::string as;                 // name of this result; empty = none
  // "features#1": names of results within one use of a component are its own; empty outside.
  std::string scope;
  std::string from_scope;           // of the names in `from`
  std::set<std::string> outside;    // paths of arguments that a component was given
  std::string also_as, also_scope;  // what the result is called where the component is used
  Place place;                      // of the op's key
};

struct StepDeclaration {
  std::string name;
  Value use;          // null, or which component's steps stand for it
  std::string scope;  // "north": of a component used under that name; layers made in it are its own
  Value over;         // null = the single item `all`; otherwise the axes, unparsed
  // Or null; see step_policy.h.
  Value retry, timeout, deadline, breaker, max_failed, min_ok, waits_for, cache, max_age, at_once;
  Value when;  // null or the text of a condition; see scalar_expression.h
  std::vector<OpCall> ops;
  Place place;
  // After resolve(): what its ops and axes refer to that other steps report; and whether it still
  // waits for that.
  std::vector<LateReference> late;
  bool waits = false;
  std::string absent;  // why it never comes to be known; empty: it does
};

// What a run gives to who started it: "$step.output" or "= expression".
struct OutputDeclaration {
  std::string name;
  Value value;
};

// A part that documents use by its name: a list of ops, or of steps, with parameters of its own.
struct Component {
  std::string name;
  int64_t version = 1;
  std::string file;  // it stands in; empty: in the document
  std::vector<ParameterDeclaration> params;
  std::vector<OpCall> ops;                 // either these
  std::vector<StepDeclaration> steps;      // or these
  std::vector<OutputDeclaration> outputs;  // of steps
  Place place;
};

// How often and how long, of one step or of all: the keys of a step that a profile may change.
struct StepLimits {
  Value retry, timeout, deadline, breaker, max_failed, at_once;
};

// What `--profile NAME` changes: where and how a run is carried out, and nothing of what it makes.
struct Profile {
  std::string name;
  Value pool, store, deadline;                            // null: as without the profile
  StepLimits limits;                                      // of all steps
  std::vector<std::pair<std::string, StepLimits>> steps;  // by name; these win
  Place place;
};

// What carries out a run; options of the command line win. Empty texts, lists and zeros: not said.
struct Pool {
  std::string memory;  // "2G", as --memory takes it
  int64_t threads = 0, reads = 0;
  std::vector<std::string> via;  // workers or a topic, as --via takes them
  Place memory_place;
};

struct Document {
  int version = kDocumentVersion;
  std::string file;
  std::string text;  // as read; part of the run record, never of a fingerprint
  std::string name;
  std::vector<ParameterDeclaration> params;
  Value store;                       // a text
  Value area;                        // null or a map
  Value sources;                     // null or a map of maps, see source_parameters.h
  Value trials;                      // null or a map of maps, see trials.h
  Value deadline;                    // of the whole run, or null
  std::vector<std::string> secrets;  // names; values come from the environment
  std::vector<StepDeclaration> steps;
  std::vector<OutputDeclaration> outputs;
  std::map<std::string, Component> components;
  std::map<std::string, Profile> profiles;
  // Name of the one that is chosen, before resolve(), which carries it out; empty: none.
  std::string profile;
  Pool pool;  // after resolve(); of the profile
  // Texts of the other files it is made of (components, includes), by where they are as seen from
  // its folder; part of the run record.
  std::map<std::string, std::string> files;
  std::vector<OpCall> closing;  // of `finally`
  Value closing_timeout;        // null or a duration
  // After resolve(): parameter values by name and where each came from ("default", "command line",
  // file).
  std::map<std::string, Value> values;
  std::map<std::string, std::string> origins;
  std::vector<TrialSet> trial_sets;  // after resolve()
};

// Reads and checks the structure: version (newer is refused: "needs a Geoloom that knows document
// version N"), known keys with nearest spelling, names ([a-z][a-z0-9_-]*), one-key maps in `do`,
// declared parameters and their defaults. What belongs to the format but is not carried out by this
// version is refused as such, not as unknown: the key schedule. Throws
// Error(invalid) with the place.
// `files`, when given, are the texts of the other files it names, as Document::files had them;
// without it they are read, relative to the folder of `file`.
Document parse_document(std::string_view text, const std::string& file,
                        const std::map<std::string, std::string>* files = nullptr);
Document read_document(const std::string& path);

// Sets parameters (given ones, from the command line or a parameter file, win over defaults),
// checks their types and ranges, and replaces `$name` (whole value, keeps its type) and `${name}`
// (inside a text, makes a text) everywhere in store, area and steps. `$$` stands for a dollar sign.
// What comes out of a parameter is not looked at again. A text that begins with '=' is an
// expression over parameters (scalar_expression.h); its value takes its place. `$item.x`, and texts
// with `${item.x}`, are left for resolve_item() with Value::reference set; in `store`, `area` and
// `over` there is no item. Unknown references are errors with the nearest spelling. A relative
// path, given or default, is relative to the current directory. Values keep the place where they
// are used. What ops and axes say of other steps is left late (see late_values.h), but for steps
// that `late` has the values of.
struct GivenParameter {
  Value value;
  std::string origin;
};
void resolve(Document& document, const std::map<std::string, GivenParameter>& given,
             const LateValuesByStep& late = {});

// Throws Error(invalid) where a text in the value begins with '=' and is no expression.
void check_expressions(const Value& value);
// [a-z][a-z0-9_-]*
bool is_proper_name(std::string_view name);

// JSON Schema (draft 07, which editors know) of the whole document, with one entry per op. Every
// value may also be a reference ('$name').
struct OpSchema {
  std::string name;
  std::string summary;
  OrderedJson parameters;
};
OrderedJson document_schema(const std::vector<OpSchema>& ops);

}  // namespace geoloom::workflow
