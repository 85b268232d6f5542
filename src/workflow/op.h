// SPDX-License-Identifier: Apache-2.0
// The op contract. An op is one verb of the document (`load`, `median_rgb`, `save`, `mosaic`). Its
// parameters are declared once; everything else about it is in one of five interfaces:
//
//   SourceOp   where pixels come from: freeze() the query once per run, then read slices
//   BlockOp    pure arrays in, arrays out: plan(), prepare(), run(); no files, threads, globals,
//   clock SinkOp     where a chain's pixels go: encodes one item's blocks to files in scratch
//   TaskOp     works on whole layers through given handles (mosaic, quicklook)
//   ClosingOp  tells of a run that has ended (notify); see closing_op.h
//
// The engine calls them; ops never see the engine. Op objects are configured by their parameters
// and are immutable after that, so one object serves all items and threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raster/asset_pool.h"
#include "raster/chunked_cube.h"
#include "raster/cog.h"
#include "raster/cube.h"
#include "workflow/item.h"
#include "workflow/metrics.h"
#include "workflow/parameters.h"

namespace geoloom::learn {
struct ModelCard;    // learn/model_card.h
struct TableSchema;  // learn/table_schema.h
}  // namespace geoloom::learn

namespace geoloom::workflow {

class Layers;
struct LayerFile;

enum class OpKind { source, block, sink, task, closing };
std::string_view name(OpKind kind);

// A named input or output of an op, in the order `from:` lists them.
struct Port {
  std::string name;
  std::string help;
  bool repeated = false;  // the last input: as many as `from` lists, at least one
};

// What an op is, written down once beside its code. `version` changes whenever output may change.
struct OpDescription {
  std::string name;
  OpKind kind = OpKind::block;
  int version = 1;
  std::string summary;        // one line
  std::string documentation;  // markdown: what it is for, rules, invalid pixels, source of formulas
  std::vector<Port> inputs;   // empty for sources and tasks
  std::vector<Port> outputs;  // empty for sinks
};

// A file an op reads besides scenes (a reclass table, a model): part of its identity by content.
struct FileInput {
  std::string path;
  size_t limit_bytes = size_t{16} << 20;
  // The run record keeps its checksum alone, and it may hold any bytes: for models, which are
  // large. Workers open the path.
  bool by_reference = false;
};

// One of them as it was when the run was created.
struct FileContent {
  std::string path;
  std::string sha256;
  std::string content;  // empty by reference
};
// The bytes of a file that is held by reference. Throws Error(invalid) where it has changed since.
std::string content_by_reference(const FileContent& file, size_t limit_bytes);

// Immutable state shared by all blocks of a worker (a table, a model).
struct Prepared {
  virtual ~Prepared() = default;
};

class Op {
 public:
  virtual ~Op() = default;
  virtual const OpDescription& description() const = 0;
  virtual void declare(Parameters& parameters) = 0;
  // Checks that go beyond single parameters; throws Error(invalid). Called once, after binding.
  virtual void check() {}
  virtual std::vector<FileInput> files() const { return {}; }
};

// ---------------------------------------------------------------------------------------------
// Block ops

// How much of the time axis one call needs.
enum class TimeNeed {
  pointwise,   // each slice by itself: output slices = input slices, run on any batch of them
  streaming,   // slices in time order, in batches: init, update..., finish
  whole_axis,  // all slices at once
};

// Which bands of the inputs a band is made of, for its recipe (recipe.h).
struct BandOrigin {
  struct From {
    size_t input = 0, band = 0;
  };
  std::vector<From> from;
  bool unchanged = false;  // the one band's values, at most under another name or date
};
// Each band of that many is made of the same one of the only input.
std::vector<BandOrigin> band_by_band(size_t bands, bool unchanged = false);

struct BlockPlan {
  std::vector<raster::CubeSchema> outputs;  // one per output port
  // Of the bands of the first output; those beyond its end are made of all bands of all inputs.
  std::vector<BandOrigin> origins;
  TimeNeed time_need = TimeNeed::pointwise;
  int halo_pixels = 0;
  size_t scratch_bytes_per_pixel = 0;  // beyond inputs and outputs, at whole_axis and pointwise
  size_t state_bytes_per_pixel = 0;    // streaming
  size_t resident_bytes = 0;           // whatever the blocks: of a model
  // That one call had better be given, where what a call costs whatever its pixels is dear.
  int64_t least_strip_pixels = 0;
};

// What a block op may look at beside the schemas of its inputs when it is planned.
struct PlanSite {
  const geo::Grid* grid = nullptr;     // the zone's
  const Layers* layers = nullptr;      // infos alone
  const Prepared* prepared = nullptr;  // what prepare() made; the files of layers are not in it
  // Of the bands of each input; empty: not known.
  std::span<const std::vector<std::string>* const> recipes = {};
  std::span<const LayerFile> files = {};  // of layers_read(); empty before anything ran
};

// One call: input windows are the output window grown by the halo. For a pointwise op inputs and
// outputs hold the same batch of slices.
struct BlockCall {
  std::span<const raster::CubeSchema* const> input_schemas;
  std::span<const raster::CubeSchema* const> output_schemas;
  const Prepared* prepared = nullptr;
  std::span<const raster::Block* const> inputs;
  std::span<raster::Block* const> outputs;  // zeroed: nothing is valid
  const geo::Grid* grid = nullptr;          // the zone's: the blocks' windows are on it
};

struct StreamState {
  virtual ~StreamState() = default;
};

class BlockOp : public Op {
 public:
  // Infers outputs from inputs; no pixel is read. Throws Error(invalid) for impossible inputs.
  // Must not depend on anything but parameters and schemas, and the grid where that is given.
  virtual BlockPlan plan(std::span<const raster::CubeSchema* const> inputs) const = 0;
  // The same at a place, which is what the engine asks: for ops that measure in metres, and those
  // whose results depend on files or layers that they are given as a whole.
  virtual BlockPlan plan_at(const PlanSite& site,
                            std::span<const raster::CubeSchema* const> inputs) const;
  // Reads what files() named, in its order. Called when a run is opened, so files by reference are
  // better read when they are needed.
  virtual std::shared_ptr<const Prepared> prepare(std::span<const FileContent> files) const;
  // Layers whose file is given to the op as a whole, beside its inputs: a model, fitted parameters.
  // Of a layer with axes it is the file of the item's values.
  virtual std::vector<std::string> layers_read() const { return {}; }
  // What run() is given as `prepared` where the op reads layers: files[i] is that of
  // layers_read()[i]. Called once per worker for the same files.
  virtual std::shared_ptr<const Prepared> prepare_layers(std::shared_ptr<const Prepared> prepared,
                                                         std::span<const LayerFile> files) const;
  // Pointwise and whole-axis ops. The default serves streaming ops: init, one update, finish.
  virtual void run(const BlockCall& call) const;
  // Streaming ops. `call.inputs` hold consecutive batches in time order; outputs are empty in
  // update. There is no merge: partial results joined in another order would round differently, and
  // reductions along time go in index order.
  virtual std::unique_ptr<StreamState> init(const BlockCall& call, const geo::Window& window) const;
  virtual void update(StreamState& state, const BlockCall& call) const;
  virtual void finish(StreamState& state, const BlockCall& call) const;
};

// ---------------------------------------------------------------------------------------------
// Sources

// What the files of a layer are: pixels, a PNG for people, features of a vector file, samples, a
// model, what was measured, or a page to look at in a browser.
enum class LayerKind { cube, picture, features, table, model, metrics, page };

// What a layer of this workflow looks like; layers live in one namespace, each with one producer.
struct LayerInfo {
  std::string name;
  std::string step;  // its producer
  Domain domain;
  raster::CubeSchema schema;  // of an item; slices as far as known at plan time
  LayerKind kind = LayerKind::cube;
  // What can be referred to; a model may have been measured too.
  std::vector<MetricDeclaration> metrics;
  std::shared_ptr<const learn::TableSchema> table;  // of a table, as far as known
  std::shared_ptr<const learn::ModelCard> model;    // of a model, as far as known
  // Of the bands of the schema; of other kinds one. See recipe.h.
  std::vector<std::string> recipes;
};
// Throws Error(invalid) where the layer that `parameter` ("mosaic.layer") names is of another kind.
void require_kind(const LayerInfo& info, LayerKind kind, std::string_view parameter);
void require_pixels(const LayerInfo& info, std::string_view parameter);

// One finished file of a layer, as the receipt tells.
struct LayerFile {
  Item item;
  bool empty = false;  // the item had nothing to do
  std::string path;    // what GDAL opens; of an item in chunks, the list of them
  int64_t bytes = 0;   // of that file
  std::string pixel_hash;
  raster::CubeSchema schema;
  geo::Grid grid;  // of the file
  std::optional<raster::ChunkLayout> chunks;
  std::optional<Metrics> metrics;

  // Pixels and what they mean: scale, offset, nodata, colours and names, which the pixel hash
  // leaves out. Part of the identity of what is made from the layer.
  std::string identity() const;
};

// Which files of a layer with axes of lists a source reads, beside those of its item's own values.
struct LayerSelection {
  std::map<std::string, std::string> at;  // axis -> label
  std::string along;                      // this axis becomes time: the files of all its values
};

// Looking up layers while planning (info) and while executing (files).
class Layers {
 public:
  virtual ~Layers() = default;
  virtual const LayerInfo& info(
      const std::string& layer) const = 0;  // throws Error(invalid), nearest name
  // The files of a layer for all items of its domain in this run that lie in the zone of `item` (in
  // any, where the item is of every zone) and at its values of the axes, in plan order; nullopt =
  // no receipt (a gap).
  struct Entry {
    Item item;
    std::optional<LayerFile> file;
  };
  virtual std::vector<Entry> files(const std::string& layer, const Item& item) const = 0;
  // The file of that item, or of its whole zone, at the values of the axes; several along an axis,
  // in its order. Throws Error(missing) when one has no receipt.
  virtual std::vector<LayerFile> files(const std::string& layer, const Item& item,
                                       const LayerSelection& selection) const = 0;
};

// A scene or a layer's item that a source dropped under `tolerate`, recorded in receipt and output.
struct Dropped {
  std::string scene;
  std::string reason;

  // Left out by the user's list: no failure, and not counted as one.
  bool excluded() const { return reason.starts_with("excluded: "); }
};

struct FreezeReport {
  std::vector<std::pair<std::string, size_t>> after_filter;  // {"found", 216}, {"in period", 41}
  std::vector<std::string> notes;
  std::vector<Dropped> dropped;
  size_t scenes = 0;
  size_t offset_applied = 0;
};

// What a source keeps from plan() for read(), beside the members.
struct SourceDetail {
  virtual ~SourceDetail() = default;
};

// What a source gives to one item.
struct SourceItem {
  size_t zone = 0;                      // the item's
  raster::CubeSchema schema;            // slices of this item, in order
  std::vector<size_t> members;          // per slice: an index that read() understands
  std::vector<std::string> identities;  // per slice: canonical identity, for the fingerprint
  // Of all slices, where a slice is of several scenes; empty: the slices' labels.
  std::vector<std::string> scenes;
  // Internal blocks of the sources on the zone's grid (pixels), for aligned reading: blocks start
  // at origin + k * size.
  int64_t block_width = 256, block_height = 256;
  int64_t block_origin_x = 0, block_origin_y = 0;
  bool blocks_lie_across = false;      // warped: no window ends where their blocks do
  uint64_t stored_bytes = 0;           // estimate of the compressed bytes of these windows
  std::vector<Dropped> dropped;        // known before reading
  size_t scratch_bytes_per_pixel = 0;  // what one read() holds beside the block
  size_t scratch_bytes = 0;            // the same, whatever the block: a decoded block of a file
  bool remote = false;                 // over a network: whole rows of blocks are asked for
  std::shared_ptr<const SourceDetail> detail;
};

struct ReadCounts {
  uint64_t clipped = 0;  // values clipped when offsets were brought to one
};

// Why one pixel of one slice counts or does not, for people.
struct PixelReport {
  std::vector<std::pair<std::string, double>> values;  // band -> value as the chain sees it
  bool valid = false;
  std::string reason;  // "cloud mask: scl = 9", "nodata", "outside of the scene"; empty when valid
};

class Source {
 public:
  virtual ~Source() = default;
  // `layers` is null while planning before anything ran.
  virtual SourceItem plan(const Item& item, const Layers* layers) const = 0;
  // The same without scenes that could not be read and may be missing. The default takes out the
  // slices of these labels.
  virtual SourceItem plan_without(const Item& item, const Layers* layers,
                                  const std::vector<Dropped>& without) const;
  // Fills slice `slice` of `block` (block.window() on the zone's grid may reach over the item:
  // halo) with member `member`. Thread-safe. Throws Error with the scene as place.
  virtual ReadCounts read(const SourceItem& plan, size_t member, raster::Block& block, size_t slice,
                          raster::AssetPool& pool) const = 0;
  // The same for one pixel of the zone's grid, with the reason. The default only tells whether it
  // is valid.
  virtual PixelReport explain(const SourceItem& plan, size_t index, int64_t x, int64_t y,
                              raster::AssetPool& pool) const;
  // How many members may fail to be read (missing, corrupt) before an item of `members` fails.
  virtual size_t tolerated(size_t members) const = 0;
  // The layer this source reads, if it is one: makes a pointwise edge to its producer.
  virtual std::optional<std::string> layer() const { return std::nullopt; }
  virtual bool remote() const { return false; }  // over a network: many reads in flight pay
};

class SourceOp : public Op {
 public:
  // Resolves queries and reads headers, once per run; the result is stored in the run record and is
  // all a worker needs. `zones` are those of the area. No pixel is read.
  virtual Json freeze(const std::vector<Zone>& zones, FreezeReport& report) const = 0;
  virtual std::unique_ptr<Source> open(const Json& frozen, const std::vector<Zone>& zones,
                                       const Layers& layers) const = 0;
  // The layer read, if any, and which of its files.
  virtual std::optional<std::string> layer() const { return std::nullopt; }
  virtual LayerSelection selection() const { return {}; }
  // What its parameters leave open and its bands' values depend on, whatever the scenes: part of
  // their recipe. Null: nothing.
  virtual Json recipe_facts() const { return {}; }
};

// ---------------------------------------------------------------------------------------------
// Sinks and tasks

// A finished file in scratch, not yet committed; or a folder of chunks, which are `objects` then,
// in the order they are to be put.
struct Product {
  std::string layer;
  std::string scratch_path;
  std::optional<raster::ChunkLayout> chunks;
  std::vector<raster::ChunkObject> objects;
  std::string extension;  // ".tif"
  std::string media_type;
  raster::CogSummary summary;  // path, bytes and sha256 always; statistics for rasters
  std::optional<raster::CubeSchema> schema;  // nullopt: not a raster cube
  std::optional<Metrics> metrics;            // the same that the file holds
  geo::Grid grid;
};

// Location-free facts that go into the file: op chain, versions, scene ids.
using Provenance = std::vector<std::pair<std::string, std::string>>;

struct SinkContext {
  geo::Grid grid;
  std::string item;
  AxisLabels at;  // the item's values of the axes
  std::string scratch_folder;
  Provenance provenance;
  std::vector<std::string> recipes;  // of the input's bands, where the op keeps them
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const raster::Block& block) = 0;  // thread-safe; windows on the item's grid
  virtual Product finish() = 0;
};

class SinkOp : public Op {
 public:
  virtual std::string layer() const = 0;
  // The schema of the layer for this input; throws Error(invalid).
  virtual raster::CubeSchema plan(const raster::CubeSchema& input) const = 0;
  // What the files are, and what else is known of the layer: a table's columns.
  virtual LayerKind layer_kind() const { return LayerKind::cube; }
  virtual void describe(LayerInfo& /*info*/, const raster::CubeSchema& /*input*/,
                        const std::vector<std::string>& /*recipes*/) const {}
  // Whether files tell the recipes of the input's bands, which then are part of their identity.
  virtual bool keeps_recipes() const { return false; }
  virtual size_t memory_bytes(const geo::Grid& grid, const raster::CubeSchema& input) const = 0;
  virtual std::unique_ptr<Sink> open(const SinkContext& context,
                                     const raster::CubeSchema& input) const = 0;
};

void one_after_another(size_t count, const std::function<void(size_t)>& body);

// A zone of the area as tasks see it.
struct TaskZone {
  geo::Grid grid;
  geo::Window selected;  // bounding window of the run's tiles in it
};

// progress and cancelled may be called from any thread.
struct TaskContext {
  const Layers* layers = nullptr;  // also those made earlier in this attempt
  Item item;                       // the zone as a whole
  geo::Grid grid;                  // of the zone
  geo::Window selected;            // bounding window of the run's tiles in it
  std::vector<TaskZone> zones;     // of the whole area, for items of every zone; else empty
  std::string scratch_folder;
  Provenance provenance;
  std::string fingerprint;  // of what is made; the receipt with it tells run, step and time
  size_t memory_bytes = 0;  // what the task may use, all threads together
  raster::AssetPool* pool = nullptr;
  // Calls body(0) .. body(count - 1), each once, in any order and on up to `threads` threads at a
  // time; returns when all have ended, or throws what one of them threw. Without an engine: one
  // after another.
  unsigned threads = 1;
  std::function<void(size_t count, const std::function<void(size_t)>& body)> for_each_index =
      one_after_another;
  std::function<void(double share_done)> progress;
  std::function<bool()> cancelled;
  std::vector<std::string>* notes = nullptr;  // told to the user and kept in the receipt
};
// The context once for each zone of an item of every zone, as if it were the zone's; else itself.
std::vector<TaskContext> zone_by_zone(const TaskContext& context);

class TaskOp : public Op {
 public:
  // The name given with `as:`; without it the op names its layer itself. Called before check().
  virtual void set_result_name(const std::string& layer) = 0;
  virtual std::string layer_made() const = 0;
  virtual std::vector<std::string> layers_read() const = 0;
  // The layer made, from the infos of the layers read.
  virtual LayerInfo plan(const Layers& layers) const = 0;
  // The layer whose values, band by band, those of the layer made are: for their recipes.
  virtual std::optional<std::string> values_of_layer() const { return std::nullopt; }
  // False of tasks that work on tables and models, or look at maps zone by zone: a step of them
  // without tiles or zones in `over` has one item for the whole area, however many pixel grids that
  // has.
  virtual bool needs_grid() const { return true; }
  virtual size_t memory_bytes(const geo::Grid& grid) const = 0;
  virtual Product run(const TaskContext& context) const = 0;
};

}  // namespace geoloom::workflow
