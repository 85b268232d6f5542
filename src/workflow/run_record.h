// SPDX-License-Identifier: Apache-2.0
// A run: a workflow frozen. Everything that was looked up (scenes, grids, tables) is in the record,
// so that any worker that has the record and the store needs nothing else. Immutable once written.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "workflow/area.h"
#include "workflow/compile.h"
#include "workflow/feature_windows.h"

namespace geoloom::workflow {

inline constexpr int kRunRecordVersion = 2;

// What the command line adds to a document.
struct RunOptions {
  Selection selection;
  std::vector<std::string> only;  // steps; empty = all
  std::optional<double> trial_resolution;
};

struct RunRecord {
  std::string id;       // "20261121T101500Z-1a2b3c4d"
  std::string created;  // RFC 3339
  std::string build;
  std::string document_file;
  std::string document_text;
  std::map<std::string, std::string> document_files;  // texts of the other files it is made of
  Json parameters;      // name -> {"value", "origin", "place": where it is written, if in a file}
  std::string profile;  // that was chosen; empty: none
  Area area;
  std::map<std::string, FeatureWindows> windows;  // by step, of those over windows
  RunOptions options;
  Json sources;  // node_key -> what SourceOp::freeze gave; null: no scene
  Json files;    // node_key -> [{"path", "sha256", "content"}]
  Json reports;  // node_key -> what each filter left
  // What became known while the run went on; not part of run.json.
  LateValuesByStep late;
  std::map<std::string, TrialOutcome> trials;
  std::string content_hash;  // of all that decides what the run does; equal for a repeated command

  // Trials (a selection, or a coarse resolution) do not replace the friendly names of the full map.
  bool trial() const { return !options.selection.everything() || area.coarsening > 1; }
};

Json to_json(const RunRecord& record);
// Refuses records of a newer format version. Throws Error(invalid).
RunRecord run_record_from_json(const Json& json);

// "runs/<id>/run.json". Writes the record unless a run with equal content exists, which is returned
// instead, provided that `goes_on` (absent: any) says so of the last one. Ids sort in the order in
// which runs were created, also where the clock was put back since.
RunRecord write_or_resume(store::Store& store, RunRecord record,
                          const std::function<bool(const RunRecord&)>& goes_on = {});
// With all that became known of it since.
RunRecord read_run_record(const store::Store& store, const std::string& id);

// "runs/<id>/late/<step>.json": the late values of a step, and what was frozen with them. Written
// once, when the steps that it refers to have ended.
void write_late_step(store::Store& store, const RunRecord& record, const std::string& step);
// "runs/<id>/late/<trials>.json"
void write_trial_outcome(store::Store& store, const RunRecord& record, const std::string& trials);
// Reads what other processes wrote of it since. True when there was something new.
bool read_late(const store::Store& store, RunRecord& record);
std::vector<std::string> list_runs(const store::Store& store);  // ids, oldest first

}  // namespace geoloom::workflow
