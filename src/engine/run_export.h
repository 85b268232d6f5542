// SPDX-License-Identifier: Apache-2.0
// A run as one file that can be carried out elsewhere: its record, which has the document, its
// files, tables and lists of scenes, and the receipts that tell what came of it. Scenes and vector
// files are named, not packed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/receipts.h"
#include "engine/run_state.h"

namespace geoloom::engine {

inline constexpr int kRunExportVersion = 1;

struct RunExport {
  workflow::RunRecord record;
  std::vector<Receipt> receipts;  // of the items that are made, in the run's order
};

// Writes run.json, receipts.jsonl, document/ (the document and its files, for people) and
// export.json, which has the SHA-256 of the others: into a tar file when the name ends in ".tar",
// otherwise into a folder. Throws Error: denied, resource.
void write_run_export(const workflow::Run& run, const RunState& state, const std::string& path);
// Takes a tar file, compressed or not, or a folder; puts nothing on disk. Throws Error: missing,
// corrupt (damaged, or no export), denied (see read_tar_file), invalid (of a newer format).
RunExport read_run_export(const std::string& path);

// Folders of scenes that are elsewhere now: from, to.
using MovedRoots = std::vector<std::pair<std::string, std::string>>;
// Names of files in the frozen sources that are in one of these folders, or are that, follow it;
// identities of scenes stay, so that items keep their fingerprints. Returns how many names changed.
size_t move_roots(workflow::RunRecord& record, const MovedRoots& roots);
// Local files that the frozen sources name and that are not there, at most a few.
std::vector<std::string> missing_files(const workflow::RunRecord& record);

// What replaying came to, against the receipts of the export.
struct ReplayVerdict {
  size_t items = 0, files = 0;      // compared
  size_t same_pixels = 0;           // items whose pixels are the same and whose bytes are not
  std::vector<std::string> others;  // "step/item: why", of items that differ or are missing
  std::vector<std::string> extra;   // "step/item", not made when the run was exported
  bool identical() const { return same_pixels == 0 && others.empty(); }
};
ReplayVerdict compare_with_export(const RunExport& exported, const workflow::Run& run,
                                  const RunState& state);

}  // namespace geoloom::engine
