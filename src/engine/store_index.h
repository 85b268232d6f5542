// SPDX-License-Identifier: Apache-2.0
// What the records of a store say, in a local database, so that questions about its runs are quick
// however many items they have. A cache and nothing else: it is made from receipts and run records,
// can be deleted at any time, and one that cannot be used is thrown away and made anew.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "engine/sqlite_database.h"

namespace geoloom::engine {

// How far a run is, by the receipts of the store.
struct RunOverview {
  struct Step {
    std::string name;
    bool selected = true;
    size_t items = 0, done = 0, empty = 0;
    std::string skipped;  // why its items are not wanted; empty: they are
    std::string waits;    // why its items are not known yet; empty: they are
    size_t missing() const { return skipped.empty() ? items - done - empty : 0; }
  };
  std::vector<Step> steps;
};

struct MissingItem {
  std::string step, item;
};

// What the receipts of a run itself tell.
struct RunTotals {
  size_t made = 0, empty = 0;
  std::string started, finished;  // RFC 3339; empty without receipts
};

// What a list of runs tells of one; records of runs over large archives are long.
struct RunHeader {
  std::string created, document_file;
  bool trial = false;
};

class StoreIndex {
 public:
  // In `folder`, by default "geoloom" in the user's cache folder (XDG_CACHE_HOME, ~/.cache), in a
  // file of the store's own. Where there is none that can be written, in memory. Reads what was
  // recorded since the last time: of segments only what was added. Throws what the store throws.
  explicit StoreIndex(store::Store& store, const std::string& folder = {});
  ~StoreIndex();
  StoreIndex(const StoreIndex&) = delete;
  StoreIndex& operator=(const StoreIndex&) = delete;

  // Opens the run itself where the index does not know it, or not any more: that takes as long as
  // planning it. `open` is called then. Files are looked for then too, and once more whenever a
  // folder of layers has changed without a receipt (folders only; buckets do not tell).
  using Open = std::function<std::unique_ptr<workflow::Run>()>;
  RunOverview overview(const std::string& run_id, const Open& open);
  // Of selected steps, in the run's order.
  std::vector<MissingItem> missing(const std::string& run_id, const Open& open);
  RunTotals totals(const std::string& run_id);
  // Reads the run's record the first time: records never change. Throws what reading one throws.
  RunHeader header(const std::string& run_id);
  // Receipts, of any run, whose item read a scene of that name: run, step and item.
  struct Use {
    std::string run, step, item, fingerprint;
  };
  std::vector<Use> uses_of_scene(const std::string& scene);
  // All models that receipts tell of, oldest first, whether their files are still there or not, and
  // which layers were made with each.
  struct ModelUse {
    std::string run, step, layer;
  };
  struct MadeModel {
    std::string fingerprint, layer;
    std::string name;  // in the store
    std::string sha256;
    int64_t bytes = 0;
    std::string run, step, item, finished;
    std::vector<ModelUse> uses;
  };
  std::vector<MadeModel> models();
  // Names of scenes that hold the text, for who does not know one exactly; at most `limit`.
  std::vector<std::string> scenes_like(const std::string& text, size_t limit);

  // How many records were read since it was opened: 0 when the index was up to date.
  size_t records_read() const { return records_read_; }

 private:
  void with_database(const std::function<void(SqliteDatabase&)>& use);
  void open_database(bool anew);
  void refresh(SqliteDatabase& database);
  bool catch_up(SqliteDatabase& database, const std::string& run_id);
  void survey_anew(SqliteDatabase& database, const std::string& run_id, const Open& open);
  void bring_up_to_date(SqliteDatabase& database, const std::string& run_id, const Open& open);

  store::Store& store_;
  std::string path_;
  std::unique_ptr<SqliteDatabase> database_;
  size_t records_read_ = 0;
};

}  // namespace geoloom::engine
