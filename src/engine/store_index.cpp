// SPDX-License-Identifier: Apache-2.0
#include "engine/store_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "learn/model_package.h"
#include "store/checksum.h"
#include "store/segments.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr int kFormat = 5;
constexpr const char* kFolder = "receipts/";
constexpr size_t kSegmentLimitBytes = size_t{1} << 30;
// Of a fingerprint's 64: 128 bits, which no two items share by chance.
constexpr size_t kFingerprintDigits = 32;

constexpr const char* kSchema = R"(
CREATE TABLE about(format INTEGER, store TEXT);
CREATE TABLE segments(name TEXT PRIMARY KEY, bytes INTEGER);
CREATE TABLE scenes(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE scene_lists(id INTEGER PRIMARY KEY, hash TEXT UNIQUE);
CREATE TABLE list_scenes(scene INTEGER, list INTEGER, PRIMARY KEY(scene, list)) WITHOUT ROWID;
CREATE TABLE receipts(id INTEGER PRIMARY KEY, fingerprint TEXT UNIQUE, run TEXT, step TEXT,
                      item TEXT, empty INTEGER, list INTEGER);
CREATE INDEX receipts_by_list ON receipts(list);
CREATE TABLE models(fingerprint TEXT, layer TEXT, name TEXT, sha256 TEXT, bytes INTEGER, run TEXT,
                    step TEXT, item TEXT, finished TEXT, PRIMARY KEY(fingerprint, layer))
                    WITHOUT ROWID;
CREATE TABLE model_uses(hash TEXT, run TEXT, step TEXT, layer TEXT,
                        PRIMARY KEY(hash, run, step, layer)) WITHOUT ROWID;
CREATE TABLE totals(run TEXT PRIMARY KEY, made INTEGER, empty INTEGER, started TEXT, finished TEXT);
CREATE TABLE headers(run TEXT PRIMARY KEY, created TEXT, document TEXT, trial INTEGER);
CREATE TABLE surveys(run TEXT PRIMARY KEY, receipts INTEGER, layers TEXT);
CREATE TABLE survey_steps(run TEXT, step INTEGER, name TEXT, selected INTEGER, items INTEGER,
                          done INTEGER, empty INTEGER, after TEXT, skipped TEXT,
                          waits TEXT, conditional INTEGER, PRIMARY KEY(run, step));
CREATE TABLE survey_missing(run TEXT, step INTEGER, item INTEGER, name TEXT, fingerprint TEXT,
                            PRIMARY KEY(run, step, item)) WITHOUT ROWID;
CREATE INDEX missing_by_fingerprint ON survey_missing(run, fingerprint);
CREATE INDEX missing_by_name ON survey_missing(run, step, name);
)";

std::string default_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/geoloom";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.cache/geoloom" : std::string();
}

std::string identity_of(const store::Store& store) {
  std::error_code ignored;
  return store.local() ? std::filesystem::absolute(store.url(), ignored).lexically_normal().string()
                       : store.url();
}

// Empty where no file can be made.
std::string file_for(const store::Store& store, const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return {};
  const auto identity = identity_of(store);
  return fmt::format("{}/{:016x}.sqlite", folder, store::xxh3_64(identity));
}

std::string short_fingerprint(const std::string& fingerprint) {
  return fingerprint.substr(0, kFingerprintDigits);
}

// Whole new records of a segment; `consumed` is where to begin, and then where the next one does.
std::string new_bytes(const store::Store& store, const std::string& name, int64_t consumed) {
  std::string bytes;
  if (store.local()) {
    std::ifstream file(store.path_of(name), std::ios::binary);
    file.seekg(consumed);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  } else {
    bytes = store.get_bytes(name, kSegmentLimitBytes).substr(static_cast<size_t>(consumed));
  }
  const auto last = bytes.rfind('\n');
  bytes.resize(last == std::string::npos ? 0 : last + 1);
  return bytes;
}

// When something was put into or removed from the folders of layers, as far as a store tells.
std::string stamp_of(const store::Store& store, const std::string& run_id) {
  std::string stamp;
  // What became known of the run while it went on.
  for (const auto& name : store.list("runs/" + run_id + "/late/")) stamp += name + ";";
  if (!store.local()) return stamp;
  std::map<std::string, int64_t> times;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(store.path_of("layers"), error)) {
    const auto time = entry.last_write_time(error);
    if (!error) times[entry.path().filename().string()] = time.time_since_epoch().count();
  }
  for (const auto& [layer, time] : times) stamp += fmt::format("{}={};", layer, time);
  return stamp;
}

// Takes receipts over, one transaction for all.
class Intake {
 public:
  explicit Intake(SqliteDatabase& database)
      : database_(database),
        receipt_(database.prepare("INSERT OR IGNORE INTO receipts(fingerprint, run, step, item, "
                                  "empty, list) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")),
        replaced_(database.prepare("DELETE FROM receipts WHERE fingerprint = ?1 AND run < ?2")),
        changes_(database.prepare("SELECT changes()")),
        scene_(database.prepare("INSERT OR IGNORE INTO scenes(name) VALUES(?1)")),
        scene_id_(database.prepare("SELECT id FROM scenes WHERE name = ?1")),
        list_(database.prepare("INSERT OR IGNORE INTO scene_lists(hash) VALUES(?1)")),
        list_id_(database.prepare("SELECT id FROM scene_lists WHERE hash = ?1")),
        list_scene_(database.prepare("INSERT OR IGNORE INTO list_scenes VALUES(?1, ?2)")),
        model_(database.prepare(
            "INSERT OR REPLACE INTO models VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")),
        use_(database.prepare("INSERT OR IGNORE INTO model_uses VALUES(?1, ?2, ?3, ?4)")) {}

  void add(const Receipt& receipt) {
    if (receipt.again)
      replaced_.bind(1, short_fingerprint(receipt.fingerprint)).bind(2, receipt.run).run();
    receipt_.bind(1, short_fingerprint(receipt.fingerprint))
        .bind(2, receipt.run)
        .bind(3, receipt.step)
        .bind(4, receipt.item)
        .bind(5, receipt.empty ? 1 : 0)
        .bind(6, list_of(receipt.scenes))
        .run();
    changes_.step();
    const bool added = changes_.number(0) > 0;
    changes_.run();
    if (!added) return;  // the first committed receipt counts
    add_models(receipt);
    auto& totals = totals_[receipt.run];
    ++(receipt.empty ? totals.empty : totals.made);
    if (totals.started.empty() || receipt.started < totals.started)
      totals.started = receipt.started;
    totals.finished = std::max(totals.finished, receipt.finished);
  }

  void finish() {
    auto statement = database_.prepare(
        "INSERT INTO totals VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(run) DO UPDATE SET "
        "made = made + excluded.made, empty = empty + excluded.empty, "
        "started = min(started, excluded.started), finished = max(finished, excluded.finished)");
    for (const auto& [run, totals] : totals_)
      statement.bind(1, run)
          .bind(2, static_cast<int64_t>(totals.made))
          .bind(3, static_cast<int64_t>(totals.empty))
          .bind(4, totals.started)
          .bind(5, totals.finished)
          .run();
  }

 private:
  // The models that an item made, and what it made of models that it was given. Which of the files
  // that were given are models is not known here: files from outside are too.
  void add_models(const Receipt& receipt) {
    for (const auto& output : receipt.outputs) {
      if (output.media_type == learn::kModelMediaType)
        model_.bind(1, receipt.fingerprint)
            .bind(2, output.layer)
            .bind(3, output.name)
            .bind(4, output.sha256)
            .bind(5, output.bytes)
            .bind(6, receipt.run)
            .bind(7, receipt.step)
            .bind(8, receipt.item)
            .bind(9, receipt.finished)
            .run();
      for (const auto& given : receipt.given)
        use_.bind(1, given.hash)
            .bind(2, receipt.run)
            .bind(3, receipt.step)
            .bind(4, output.layer)
            .run();
    }
  }

  int64_t id_of(SqliteStatement& insert, SqliteStatement& select, const std::string& text) {
    insert.bind(1, text).run();
    select.bind(1, text).step();
    const auto id = select.number(0);
    select.run();
    return id;
  }

  // Tiles of one granule have the same scenes, so lists are few and receipts name theirs.
  int64_t list_of(const std::vector<std::string>& scenes) {
    if (scenes.empty()) return 0;
    std::string joined;
    for (const auto& scene : scenes) joined += scene + "\n";
    const auto [known, added] = lists_.try_emplace(joined, 0);
    if (!added) return known->second;
    store::Sha256 hash;
    hash.add(joined.data(), joined.size());
    known->second = id_of(list_, list_id_, hash.hex());
    for (const auto& scene : scenes)
      list_scene_.bind(1, id_of(scene_, scene_id_, scene)).bind(2, known->second).run();
    return known->second;
  }

  SqliteDatabase& database_;
  SqliteStatement receipt_, replaced_, changes_, scene_, scene_id_, list_, list_id_, list_scene_;
  SqliteStatement model_, use_;
  std::map<std::string, int64_t> lists_;
  std::map<std::string, RunTotals> totals_;
};

int64_t last_receipt(SqliteDatabase& database) {
  auto statement = database.prepare("SELECT coalesce(max(id), 0) FROM receipts");
  statement.step();
  return statement.number(0);
}

}  // namespace

StoreIndex::StoreIndex(store::Store& store, const std::string& folder)
    : store_(store), path_(file_for(store, folder.empty() ? default_folder() : folder)) {
  with_database([](SqliteDatabase&) {});
}

StoreIndex::~StoreIndex() = default;

void StoreIndex::open_database(bool anew) {
  database_.reset();
  if (anew && !path_.empty())
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(path_ + suffix, ignored);
    }
  database_ = std::make_unique<SqliteDatabase>(path_.empty() ? ":memory:" : path_);
  database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  SqliteTransaction transaction(*database_);
  auto tables = database_->prepare("SELECT count(*) FROM sqlite_master WHERE name = 'about'");
  tables.step();
  if (tables.number(0) == 0) {
    database_->execute(kSchema);
    database_->prepare("INSERT INTO about VALUES(?1, ?2)")
        .bind(1, int64_t{kFormat})
        .bind(2, identity_of(store_))
        .run();
  } else {
    auto about = database_->prepare("SELECT format, store FROM about");
    if (!about.step() || about.number(0) != kFormat || about.text(1) != identity_of(store_))
      throw SqliteError("made for something else");
  }
  transaction.commit();
}

// A database that fails is thrown away; one that fails again stays in memory, where it cannot.
void StoreIndex::with_database(const std::function<void(SqliteDatabase&)>& use) {
  for (int attempt = 0;; ++attempt) {
    try {
      if (attempt == 2) path_.clear();
      if (!database_ || attempt > 0) {
        open_database(attempt > 0);
        refresh(*database_);
      }
      return use(*database_);
    } catch (const SqliteError& error) {
      if (attempt == 2)
        throw Error(ErrorCode::internal, "the index of the store cannot be used")
            .cause(error.what());
    }
  }
}

void StoreIndex::refresh(SqliteDatabase& database) {
  std::map<std::string, int64_t> consumed;
  auto known = database.prepare("SELECT name, bytes FROM segments");
  while (known.step()) consumed[known.text(0)] = known.number(1);
  const auto names = store_.list(kFolder);
  for (const auto& [name, bytes] : consumed)
    if (!std::binary_search(names.begin(), names.end(), name))
      throw SqliteError("a segment is gone");  // joined with others, or cleaned
  SqliteTransaction transaction(database);
  Intake intake(database);
  auto remember = database.prepare("INSERT OR REPLACE INTO segments VALUES(?1, ?2)");
  for (const auto& name : names) {
    if (!name.ends_with(".seg")) continue;
    const auto found = consumed.find(name);
    const int64_t from = found == consumed.end() ? 0 : found->second;
    if (found != consumed.end() && !store_.local()) continue;  // objects never change
    if (store_.local()) {
      const auto size = store_.size_of(name).value_or(0);
      if (size < from) throw SqliteError("a segment is shorter than it was");
      if (size == from) continue;
    }
    const auto bytes = new_bytes(store_, name, from);
    for (const auto& payload : store::decode_records(bytes).payloads) {
      if (const auto receipt = receipt_from_text(payload)) intake.add(*receipt);
      ++records_read_;
    }
    remember.bind(1, name).bind(2, from + static_cast<int64_t>(bytes.size())).run();
  }
  intake.finish();
  transaction.commit();
}

namespace {

// What is known of a run's steps while receipts are taken over.
struct KnownStep {
  RunOverview::Step counts;
  std::set<size_t> after;
  bool changed = false;
  size_t made_before = 0;
  bool conditional = false;  // whether it is skipped may follow from any receipt
};

std::vector<KnownStep> known_steps(SqliteDatabase& database, const std::string& run_id) {
  std::vector<KnownStep> steps;
  auto rows = database.prepare(
      "SELECT name, selected, items, done, empty, after, skipped, waits, conditional FROM "
      "survey_steps "
      "WHERE run = ?1 ORDER BY step");
  rows.bind(1, run_id);
  while (rows.step()) {
    KnownStep step;
    step.counts = {rows.text(0),
                   rows.number(1) != 0,
                   static_cast<size_t>(rows.number(2)),
                   static_cast<size_t>(rows.number(3)),
                   static_cast<size_t>(rows.number(4)),
                   rows.text(6),
                   rows.text(7)};
    step.conditional = rows.number(8) != 0;
    for (const auto& index : Json::parse(rows.text(5))) step.after.insert(index.get<size_t>());
    step.made_before = step.counts.done + step.counts.empty;
    steps.push_back(std::move(step));
  }
  return steps;
}

void store_steps(SqliteDatabase& database, const std::string& run_id,
                 const std::vector<KnownStep>& steps) {
  auto row = database.prepare(
      "INSERT OR REPLACE INTO survey_steps VALUES(?1, ?2, ?3, ?4, ?5, ?6, "
      "?7, ?8, ?9, ?10, ?11)");
  for (size_t s = 0; s < steps.size(); ++s) {
    const auto& counts = steps[s].counts;
    row.bind(1, run_id)
        .bind(2, static_cast<int64_t>(s))
        .bind(3, counts.name)
        .bind(4, counts.selected ? 1 : 0)
        .bind(5, static_cast<int64_t>(counts.items))
        .bind(6, static_cast<int64_t>(counts.done))
        .bind(7, static_cast<int64_t>(counts.empty))
        .bind(8, Json(steps[s].after).dump())
        .bind(9, counts.skipped)
        .bind(10, counts.waits)
        .bind(11, steps[s].conditional ? 1 : 0)
        .run();
  }
}

void store_survey(SqliteDatabase& database, const std::string& run_id, int64_t receipts,
                  const std::string& layers) {
  database.prepare("INSERT OR REPLACE INTO surveys VALUES(?1, ?2, ?3)")
      .bind(1, run_id)
      .bind(2, receipts)
      .bind(3, layers)
      .run();
}

// Items whose identity was not known before what they read is made, and may be known now.
bool new_identities(SqliteDatabase& database, const std::string& run_id,
                    const std::vector<KnownStep>& steps) {
  auto unknown = database.prepare(
      "SELECT 1 FROM survey_missing WHERE run = ?1 AND step = ?2 AND fingerprint = '' LIMIT 1");
  for (size_t s = 0; s < steps.size(); ++s)
    for (const size_t input : steps[s].after) {
      if (!steps[input].changed) continue;
      if (steps[s].made_before > 0) return true;  // what it read was other than it is now
      if (steps[input].counts.missing() > 0) continue;
      unknown.bind(1, run_id).bind(2, static_cast<int64_t>(s));
      const bool some = unknown.step();
      if (some) return true;
    }
  return false;
}

// Takes new receipts over. False where they do not tell: the run must be looked at as a whole.
bool take_over(SqliteDatabase& database, const std::string& run_id, int64_t after,
               std::vector<KnownStep>& steps) {
  std::map<std::string, int64_t> step_by_name;
  for (size_t s = 0; s < steps.size(); ++s)
    step_by_name[steps[s].counts.name] = static_cast<int64_t>(s);
  auto receipts = database.prepare(
      "SELECT fingerprint, run, step, item, empty FROM receipts WHERE id > ?1 ORDER BY id");
  auto by_fingerprint =
      database.prepare("SELECT step, item FROM survey_missing WHERE run = ?1 AND fingerprint = ?2");
  auto by_name = database.prepare(
      "SELECT step, item FROM survey_missing WHERE run = ?1 AND step = ?2 AND name = ?3 AND "
      "fingerprint = ''");
  auto remove =
      database.prepare("DELETE FROM survey_missing WHERE run = ?1 AND step = ?2 AND item = ?3");
  receipts.bind(1, after);
  while (receipts.step()) {
    std::vector<std::pair<int64_t, int64_t>> found;
    by_fingerprint.bind(1, run_id).bind(2, receipts.text(0));
    while (by_fingerprint.step())
      found.emplace_back(by_fingerprint.number(0), by_fingerprint.number(1));
    const auto step = step_by_name.find(receipts.text(2));
    if (found.empty() && step != step_by_name.end()) {
      by_name.bind(1, run_id).bind(2, step->second).bind(3, receipts.text(3));
      while (by_name.step()) found.emplace_back(by_name.number(0), by_name.number(1));
      if (!found.empty() && receipts.text(1) != run_id) return false;
    }
    for (const auto& [s, item] : found) {
      remove.bind(1, run_id).bind(2, s).bind(3, item).run();
      auto& known = steps[static_cast<size_t>(s)];
      ++(receipts.number(4) != 0 ? known.counts.empty : known.counts.done);
      known.changed = true;
    }
  }
  return !new_identities(database, run_id, steps);
}

}  // namespace

bool StoreIndex::catch_up(SqliteDatabase& database, const std::string& run_id) {
  auto survey = database.prepare("SELECT receipts, layers FROM surveys WHERE run = ?1");
  if (!survey.bind(1, run_id).step()) return false;
  const auto seen = survey.number(0);
  const auto layers = survey.text(1);
  survey.run();
  const auto last = last_receipt(database);
  const auto stamp = stamp_of(store_, run_id);
  auto steps = known_steps(database, run_id);
  // Conditions follow from results, and receipts that get too old from the time.
  if (std::any_of(steps.begin(), steps.end(), [](const auto& step) { return step.conditional; }))
    return false;
  if (seen == last) return layers == stamp;
  SqliteTransaction transaction(database);
  if (!take_over(database, run_id, seen, steps)) return false;
  store_steps(database, run_id, steps);
  store_survey(database, run_id, last, stamp);
  transaction.commit();
  return true;
}

void StoreIndex::survey_anew(SqliteDatabase& database, const std::string& run_id,
                             const Open& open) {
  // What comes while the run is looked at is taken over the next time.
  const auto last = last_receipt(database);
  const auto stamp = stamp_of(store_, run_id);
  const auto run = open();
  const ReceiptBook book(store_);
  RunState state(*run, store_);
  const auto survey = engine::survey(*run, book, state);
  SqliteTransaction transaction(database);
  for (const char* table : {"survey_steps", "survey_missing"})
    database.prepare(fmt::format("DELETE FROM {} WHERE run = ?1", table)).bind(1, run_id).run();
  auto row = database.prepare("INSERT INTO survey_missing VALUES(?1, ?2, ?3, ?4, ?5)");
  std::vector<KnownStep> steps;
  for (size_t s = 0; s < run->steps().size(); ++s) {
    const auto& step = run->steps()[s];
    const auto& counts = survey.steps[s];
    KnownStep known;
    known.counts = {step.step->name, step.selected,  counts.items, counts.done,
                    counts.empty,    counts.skipped, counts.waits};
    // What is decided by more than receipts.
    known.conditional = step.step->when.has_value() || step.step->policy.max_age.has_value() ||
                        !step.step->late.empty() || !step.known ||
                        !run->workflow().document.trial_sets.empty();
    known.after.insert(step.step->after.begin(), step.step->after.end());
    steps.push_back(std::move(known));
    if (!counts.skipped.empty()) continue;
    for (size_t i = 0; i < step.items.size(); ++i) {
      if (state.receipt(s, i) != nullptr || run->given_up(step, step.items[i])) continue;
      row.bind(1, run_id)
          .bind(2, static_cast<int64_t>(s))
          .bind(3, static_cast<int64_t>(i))
          .bind(4, step.items[i].name)
          .bind(5, short_fingerprint(survey.fingerprints[s][i]))
          .run();
    }
  }
  store_steps(database, run_id, steps);
  store_survey(database, run_id, last, stamp);
  transaction.commit();
}

void StoreIndex::bring_up_to_date(SqliteDatabase& database, const std::string& run_id,
                                  const Open& open) {
  if (!catch_up(database, run_id)) survey_anew(database, run_id, open);
}

RunOverview StoreIndex::overview(const std::string& run_id, const Open& open) {
  RunOverview overview;
  with_database([&](SqliteDatabase& database) {
    overview.steps.clear();
    bring_up_to_date(database, run_id, open);
    for (auto& step : known_steps(database, run_id))
      overview.steps.push_back(std::move(step.counts));
  });
  return overview;
}

std::vector<MissingItem> StoreIndex::missing(const std::string& run_id, const Open& open) {
  std::vector<MissingItem> items;
  with_database([&](SqliteDatabase& database) {
    items.clear();
    bring_up_to_date(database, run_id, open);
    auto rows = database.prepare(
        "SELECT s.name, m.name FROM survey_missing m JOIN survey_steps s ON s.run = m.run AND "
        "s.step = m.step WHERE m.run = ?1 AND s.selected ORDER BY m.step, m.item");
    rows.bind(1, run_id);
    while (rows.step()) items.push_back({rows.text(0), rows.text(1)});
  });
  return items;
}

RunTotals StoreIndex::totals(const std::string& run_id) {
  RunTotals totals;
  with_database([&](SqliteDatabase& database) {
    auto row = database.prepare("SELECT made, empty, started, finished FROM totals WHERE run = ?1");
    if (!row.bind(1, run_id).step()) return;
    totals = {static_cast<size_t>(row.number(0)), static_cast<size_t>(row.number(1)), row.text(2),
              row.text(3)};
  });
  return totals;
}

RunHeader StoreIndex::header(const std::string& run_id) {
  RunHeader header;
  with_database([&](SqliteDatabase& database) {
    auto row = database.prepare("SELECT created, document, trial FROM headers WHERE run = ?1");
    if (row.bind(1, run_id).step()) {
      header = {row.text(0), row.text(1), row.number(2) != 0};
      return;
    }
    const auto record = workflow::read_run_record(store_, run_id);
    header = {record.created, record.document_file, record.trial()};
    database.prepare("INSERT OR REPLACE INTO headers VALUES(?1, ?2, ?3, ?4)")
        .bind(1, run_id)
        .bind(2, header.created)
        .bind(3, header.document_file)
        .bind(4, header.trial ? 1 : 0)
        .run();
  });
  return header;
}

std::vector<StoreIndex::Use> StoreIndex::uses_of_scene(const std::string& scene) {
  std::vector<Use> uses;
  with_database([&](SqliteDatabase& database) {
    uses.clear();
    auto rows = database.prepare(
        "SELECT r.run, r.step, r.item, r.fingerprint FROM scenes s JOIN list_scenes l ON l.scene = "
        "s.id JOIN receipts r ON r.list = l.list WHERE s.name = ?1 ORDER BY r.id");
    rows.bind(1, scene);
    while (rows.step()) uses.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
  });
  return uses;
}

std::vector<StoreIndex::MadeModel> StoreIndex::models() {
  std::vector<MadeModel> models;
  with_database([&](SqliteDatabase& database) {
    models.clear();
    auto rows = database.prepare(
        "SELECT fingerprint, layer, name, sha256, bytes, run, step, item, finished FROM models "
        "ORDER BY finished, layer, fingerprint");
    auto uses = database.prepare(
        "SELECT run, step, layer FROM model_uses WHERE hash = ?1 ORDER BY run, step, layer");
    while (rows.step()) {
      MadeModel model{rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.number(4),
                      rows.text(5), rows.text(6), rows.text(7), rows.text(8), {}};
      uses.bind(1, model.sha256);
      while (uses.step()) model.uses.push_back({uses.text(0), uses.text(1), uses.text(2)});
      models.push_back(std::move(model));
    }
  });
  return models;
}

std::vector<std::string> StoreIndex::scenes_like(const std::string& text, size_t limit) {
  std::vector<std::string> names;
  with_database([&](SqliteDatabase& database) {
    names.clear();
    auto rows = database.prepare(
        "SELECT name FROM scenes WHERE instr(name, ?1) > 0 ORDER BY name LIMIT ?2");
    rows.bind(1, text).bind(2, static_cast<int64_t>(limit));
    while (rows.step()) names.push_back(rows.text(0));
  });
  return names;
}

}  // namespace geoloom::engine
