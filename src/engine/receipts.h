// SPDX-License-Identifier: Apache-2.0
// Receipts: the only truth about what was produced. Resume, caching, duplicate delivery and "is
// anything missing?" all ask the book of receipts.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/attempts.h"
#include "store/segments.h"
#include "store/store.h"
#include "workflow/run.h"

namespace geoloom::engine {

inline constexpr int kReceiptVersion = 1;
// Where the segments of receipts are in a store.
inline constexpr const char* kReceiptsFolder = "receipts";

// One committed file.
struct Output {
  std::string layer;
  std::string name;  // in the store
  std::string media_type;
  int64_t bytes = 0;
  std::string sha256;
  std::string pixel_hash;
  geo::Grid grid;
  std::optional<raster::CubeSchema> schema;  // nullopt: a picture
  std::vector<raster::BandStatistics> bands;
  // An item of a cube: `name` is that of the list of its chunks, which has the checksums of all of
  // them; so many objects, the list included, are in its folder.
  std::optional<raster::ChunkLayout> chunks;
  size_t objects = 1;
  std::optional<workflow::Metrics> metrics;
};
// What an op was given as a whole, beside its pixels: a layer (a model, fitted parameters) or a
// file.
struct Given {
  std::string layer, file;  // one of the two
  std::string hash;         // of its content: LayerFile::pixel_hash, or SHA-256
};
// "layers/x/0_0-0123456789ab" of an item in chunks: where all of its objects are.
std::string chunk_folder(const Output& output);

struct Receipt {
  std::string fingerprint;
  std::string build;
  std::string run, step, item;
  bool empty = false;  // nothing to do: no scene touches the item
  // Made though there was one, which had got too old (see receipt_age.h): it takes its place.
  bool again = false;
  int attempt = 1;
  std::string started, finished;  // RFC 3339
  double read_seconds = 0, compute_seconds = 0, encode_seconds = 0, wall_seconds = 0;
  double read_amplification = 1;
  size_t memory_bytes = 0;  // the item's ticket
  std::string chain;
  std::vector<std::string> scenes;
  std::vector<workflow::Dropped> dropped;
  std::vector<Given> given;
  uint64_t clipped_at_load = 0;
  std::vector<std::string> notes;
  AttemptLog log;
  std::vector<Output> outputs;
};

workflow::Json to_json(const Receipt& receipt);
// nullopt for a receipt of an older or newer format: a miss, not an error.
std::optional<Receipt> receipt_from_text(const std::string& text);

// The time of now, as records write it.
std::string now_text();

class ReceiptBook {
 public:
  // Reads all segments under "receipts". Throws Error(corrupt) when two receipts of one fingerprint
  // disagree: other bytes from one build, or other pixels from two.
  explicit ReceiptBook(store::Store& store);
  // A receipt whose files are all there with their sizes; nullptr otherwise. The pointer stays
  // valid.
  const Receipt* find(const std::string& fingerprint) const;
  // Makes the receipt durable. The outputs are in the store already.
  const Receipt* commit(Receipt receipt);
  void flush();
  // Joins the segments of an object store, where every flush makes one; reading many small objects
  // is what a later start would wait for.
  void compact();
  // Lines that are torn or altered, or hold no receipt of this format.
  size_t damaged_records() const { return damaged_; }
  // Reads what other processes have committed since; true when there was something.
  bool refresh();
  // The receipt of that fingerprint, whether its files exist or not.
  const Receipt* find_any(const std::string& fingerprint) const;
  // Whether any run made something in a step of that name. This and the next not while other
  // threads use the book.
  bool knows_step(const std::string& step) const;
  // All receipts of items of those names, made in a step of that name; others are not parsed.
  std::vector<const Receipt*> of_items(const std::string& step,
                                       const std::unordered_set<std::string_view>& items) const;

 private:
  // Receipts are parsed when they are first asked for, by the thread that asks: a store holds those
  // of all its runs.
  struct Entry {
    std::string unread;  // as the segment has it
    std::once_flag read;
    std::unique_ptr<Receipt> receipt;  // after read(), under the lock; null: not readable
  };

  static void read(Entry& entry);
  const Receipt* add(Receipt receipt);
  void add_unread(const std::string& fingerprint, std::string payload);
  bool read_new_records();
  bool files_exist(const Receipt& receipt) const;

  store::Store& store_;
  store::SegmentReader reader_;
  store::SegmentWriter writer_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, Entry> by_fingerprint_;
  std::vector<std::unique_ptr<Receipt>> replaced_;  // somebody may hold a pointer
  void add_object(const std::string& name);

  std::unordered_set<std::string> objects_;  // names under layers/, one listing at the start
  // Chunks are counted by folder: a long series has hundreds for each item.
  std::map<std::string, size_t> chunks_;
  size_t damaged_ = 0;
};

}  // namespace geoloom::engine
