// SPDX-License-Identifier: Apache-2.0
// A run made ready to plan and execute: the compiled workflow of a record with its sources opened,
// tables prepared and item lists made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workflow/item_task.h"
#include "workflow/recipe.h"
#include "workflow/run_record.h"

namespace geoloom::workflow {

// What one node gives to one item.
struct NodePlan {
  std::vector<raster::CubeSchema> outputs;
  TimeNeed time_need = TimeNeed::pointwise;
  int halo_pixels = 0;
  size_t scratch_bytes_per_pixel = 0;
  size_t state_bytes_per_pixel = 0;
  size_t resident_bytes = 0;
  int64_t least_strip_pixels = 0;
  std::vector<BandOrigin> origins;
  SourceItem source;  // sources only
  std::vector<LayerFile>
      files;  // of the layers that a block op is given; empty before anything ran
};

// Keeps what block ops made of the layers they were given, as long as the next item has the same.
class LayersPrepared;

struct ItemPlan {
  Item item;
  geo::Grid zone_grid;
  std::vector<NodePlan> nodes;
  std::shared_ptr<const ChainRecipes> recipes;  // how the bands of all nodes are made
  size_t slices = 0;                            // of all sources
  std::vector<Dropped> dropped;
  bool empty() const { return slices == 0; }
  const BandRecipes& recipes_of(const InputRef& input) const {
    return (*recipes)[input.node][input.output].recipes;
  }
};

// A chain of a step with its sources opened and its tables prepared.
struct ChainRun {
  const Chain* chain = nullptr;
  // A source found no scene for the chain's values of the axes: all its items are empty.
  bool empty = false;
  std::vector<std::unique_ptr<Source>> sources;           // by node; null for other kinds
  std::vector<std::unique_ptr<ItemWork>> works;           // by node; null for other kinds
  std::vector<std::shared_ptr<const Prepared>> prepared;  // by node, from files alone
  std::shared_ptr<LayersPrepared> layers_prepared;        // of nodes that are given layers
  std::shared_ptr<RecipeMemory> recipes;                  // of the last item planned
  std::vector<std::vector<FileContent>> files;            // by node: those that ops read
  Json file_hashes = Json::array();                       // identities of files ops read
  std::string identity;  // of chain and files: the part of items' identities they share, as JSON

  // What a block op's run() is given. Thread-safe.
  std::shared_ptr<const Prepared> prepared_for(size_t node, const NodePlan& plan) const;
};

struct StepRun {
  const Step* step = nullptr;
  const std::vector<Zone>* zones = nullptr;  // of the area
  const Layers* infos = nullptr;             // of the run
  bool selected = true;                      // by --only
  // Its parameters, items and layers are all known: neither it nor a step whose layers it reads
  // waits for what steps report. Otherwise it has no items and no chains yet.
  bool known = true;
  std::vector<Item> items;
  std::vector<ChainRun> chains;  // of the step, in its order
  const ChainRun& chain_of(const Item& item) const { return chains[item.chain]; }

  // Schemas of all nodes for an item. `layers` is null before anything ran.
  ItemPlan plan(const Item& item, const Layers* layers) const;
  // As plan(), without the members `without` (scene labels that could not be read and are
  // tolerated).
  ItemPlan plan(const Item& item, const Layers* layers, const std::vector<Dropped>& without) const;
  // The identity of a chain's item: op chain, files, target grid, ordered input identities.
  std::string fingerprint(const ItemPlan& plan) const;
  // The identity of a task's item: op chain, grid, and the pixel hashes of all layers read, gaps
  // and empties included, or what its own work says of it.
  std::string fingerprint(const Item& item, const Layers& layers) const;
};

class Run : public Layers {
 public:
  // The registry outlives the run.
  // Looks everything up and checks it: area, scenes, bands, schemas through the whole workflow,
  // without reading a pixel. The record has no id yet.
  static std::unique_ptr<Run> create(const Document& resolved, const Registry& registry,
                                     const RunOptions& options, const std::string& build);
  // From a record alone.
  static std::unique_ptr<Run> open(const RunRecord& record, const Registry& registry);
  // Goes on with the run of this record, whose content is equal, and with what became known of it.
  void go_on_with(RunRecord record);
  // What a step that waits refers to is known: from now on it has parameters, items and chains, or
  // a reason why it never will (Step::absent). Steps before it stay what they are. Nobody else may
  // use the run meanwhile. Throws Error, and changes nothing, where the values do not fit or there
  // are no scenes.
  void set_late(const std::string& step, const LateValues& values);
  // The trials of a set have ended.
  void set_trials(const std::string& trials, TrialOutcome outcome) {
    record_.trials[trials] = std::move(outcome);
  }
  // An item of a trial that failed, where the set tolerates that: it is not missing.
  bool given_up(const StepRun& step, const Item& item) const;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunRecord& record() { return record_; }
  const RunRecord& record() const { return record_; }
  const Workflow& workflow() const { return workflow_; }
  const Registry& registry() const { return registry_; }
  const std::vector<StepRun>& steps() const { return steps_; }
  const std::map<std::string, FreezeReport>& reports() const {
    return reports_;
  }  // by node_key; create() only
  const std::vector<Zone>& zones() const { return record_.area.zones; }
  geo::Window selected_window(size_t zone) const;  // bounding window of the selected tiles in it
  const std::map<std::string, LayerInfo>& layers() const { return layers_; }

  // Layers, as far as known without results.
  const LayerInfo& info(const std::string& layer) const override;
  std::vector<Entry> files(const std::string& layer, const Item& item) const override;
  std::vector<LayerFile> files(const std::string& layer, const Item& item,
                               const LayerSelection& selection) const override;

 private:
  explicit Run(const Registry& registry) : registry_(registry) {}
  void compile_record();
  void open_record();
  void freeze_windows();
  void freeze_windows(const Step& step);
  void freeze_sources();
  void freeze_step(const Step& step);
  bool freeze_chain(const Step& step, size_t chain, bool must_have_scenes);
  void read_files(const Step& step);
  void open_all();
  ChainRun open_chain(const Step& step, size_t chain);
  std::vector<Item> items_of(const Step& step) const;
  ItemPlan plan_whole(const StepRun& run) const;
  std::optional<ItemPlan> plan_chain(const StepRun& run, size_t chain) const;
  void plan_layers();
  void check_trials_alike(const StepRun& run) const;
  void check_conditions() const;
  void check_late() const;
  bool is_known(const Step& step) const;

  const Registry& registry_;
  RunRecord record_;
  Workflow workflow_;
  std::vector<StepRun> steps_;
  std::map<std::string, FreezeReport> reports_;
  std::map<std::string, LayerInfo> layers_;
};

// "composite/0", "composite.2018-05/0"
std::string node_key(const Step& step, size_t chain, size_t node);

}  // namespace geoloom::workflow
