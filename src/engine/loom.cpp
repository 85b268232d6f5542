// SPDX-License-Identifier: Apache-2.0
#include "engine/loom.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <optional>

#include "gdal/interruption.h"

namespace geoloom::engine {
namespace {

using raster::Block;
using workflow::OpKind;
using workflow::TimeNeed;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Adds the time it lives to a sum, also when what takes it throws.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum) : sum_(sum) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { sum_ += seconds_since(start_); }

 private:
  double& sum_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The results of all nodes for one strip; sinks leave theirs empty.
using StripResults = std::vector<std::vector<Block>>;

// One item being woven.
class Weaving {
 public:
  Weaving(const workflow::StepRun& run, const workflow::ItemPlan& plan, const BlockLayout& layout,
          TaskPool& cores, TaskPool& reads, raster::AssetPool& datasets,
          const std::atomic<bool>& stop)
      : run_(run.chain_of(plan.item)),
        chain_(*run_.chain),
        step_name_(run.step->name),
        plan_(plan),
        layout_(layout),
        cores_(cores),
        reads_(reads),
        datasets_(datasets),
        stop_(stop),
        modes_(time_modes(chain_, plan)),
        needs_(halo_needs(chain_, plan)) {
    for (size_t n = 0; n < chain_.nodes.size(); ++n)
      prepared_.push_back(run_.prepared_for(n, plan_.nodes[n]));
  }

  // What was spent so far.
  StageSeconds spent() const {
    return {result_.read_seconds, result_.compute_seconds, result_.encode_seconds};
  }

  WeaveResult weave(const workflow::SinkContext& context) {
    open_sinks(context);
    const auto blocks = blocks_of(layout_, plan_.item.window);
    if (modes_.streaming) {
      weave_streaming(blocks);
    } else {
      for (const auto& block : blocks) weave_whole(block);
    }
    encode();
    return std::move(result_);
  }

 private:
  struct Strip {
    geo::Window window;
    std::vector<std::unique_ptr<workflow::StreamState>> states;  // by node, streaming mode only
  };

  void open_sinks(const workflow::SinkContext& context) {
    sinks_.resize(chain_.nodes.size());
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      if (chain_.nodes[n].kind() != OpKind::sink) continue;
      const auto& input = chain_.nodes[n].inputs.front();
      auto own = context;
      if (chain_.nodes[n].sink().keeps_recipes()) own.recipes = plan_.recipes_of(input);
      sinks_[n] = chain_.nodes[n].sink().open(own, schema_of(input));
    }
  }

  // All slices of a block at once.
  void weave_whole(const geo::Window& block) {
    auto strips = strips_of(block);
    auto read = waited_for([&] { return read_slices({block, 0, SIZE_MAX}, std::move(spent_)); });
    compute(strips, [&](Strip& strip) { run_whole(strip, read.blocks); });
    spent_ = std::move(read.blocks);
  }

  // Some slices of a block.
  struct Batch {
    geo::Window block;
    size_t first, count;
  };

  std::vector<Batch> batches_of(const std::vector<geo::Window>& blocks) const {
    std::vector<Batch> batches;
    for (const auto& block : blocks)
      for (size_t first = 0; first < plan_.slices; first += layout_.batch_slices)
        batches.push_back({block, first, layout_.batch_slices});
    return batches;
  }

  // Batches of slices go through the first half of the chain into the reducers' states; then the
  // second half runs on what the reducers give. Two batches are on their way at a time: who has
  // read its part of one begins with the next, and does not wait for the slowest.
  void weave_streaming(const std::vector<geo::Window>& blocks) {
    const auto batches = batches_of(blocks);
    std::deque<std::future<Read>> ahead;
    size_t started = 0;
    const auto start_next = [&](std::vector<Block> spent) {
      if (started == batches.size()) return;
      ahead.push_back(std::async(
          std::launch::async,
          [this, batch = batches[started++],
           messages = MessageLog::current()](std::vector<Block> memory) {
            const MessageScope scope(messages);
            return read_slices(batch, std::move(memory));
          },
          std::move(spent)));
    };
    for (size_t i = 0; i < kBatchesOnTheirWay; ++i) start_next({});
    std::vector<Strip> strips;
    for (size_t i = 0; i < batches.size(); ++i) {
      const auto& batch = batches[i];
      if (batch.first == 0) strips = strips_of(batch.block);
      auto read = waited_for([&] { return ahead.front().get(); });
      ahead.pop_front();
      compute(strips, [&](Strip& strip) { run_batch(strip, read.blocks, batch.first == 0); });
      start_next(std::move(read.blocks));
      if (batch.first + batch.count >= plan_.slices)
        compute(strips, [&](Strip& strip) { run_rest(strip); });
    }
  }

  std::vector<Strip> strips_of(const geo::Window& block) const {
    const int64_t rows =
        std::clamp<int64_t>(std::max(layout_.strip_pixels / std::max<int64_t>(1, block.width),
                                     layout_.least_strip_rows),
                            1, block.height);
    std::vector<Strip> strips;
    for (int64_t y = block.y; y < block.bottom(); y += rows) {
      Strip strip;
      strip.window = {block.x, y, block.width, std::min(rows, block.bottom() - y)};
      strip.states.resize(chain_.nodes.size());
      strips.push_back(std::move(strip));
    }
    return strips;
  }

  // What was read of every source, by node.
  struct Read {
    std::vector<Block> blocks;
    uint64_t clipped = 0;
  };

  // Reads slices [first, first + count) of every source for a block and the halo around it, into
  // memory of blocks that nobody needs any more.
  Read read_slices(const Batch& batch, std::vector<Block> spent) const {
    struct Task {
      size_t node, slice;
    };
    Read read;
    read.blocks.resize(chain_.nodes.size());
    spent.resize(chain_.nodes.size());
    std::vector<Task> tasks;
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      if (chain_.nodes[n].kind() != OpKind::source) continue;
      const auto& source = plan_.nodes[n].source;
      const size_t members = source.members.size();
      const size_t slices = std::min(batch.count, members - std::min(batch.first, members));
      read.blocks[n] = Block(source.schema, batch.block.expanded(needs_[n]), batch.first, slices,
                             std::move(spent[n]));
      for (size_t s = 0; s < slices; ++s) tasks.push_back({n, s});
    }
    std::atomic<uint64_t> clipped{0};
    reads_.for_each_index(tasks.size(), [&](size_t i) {
      check_stop();
      const gdal::Interruptible reads(&stop_);
      clipped += read_slice(tasks[i].node, batch.first + tasks[i].slice, read.blocks[tasks[i].node],
                            tasks[i].slice);
    });
    read.clipped = clipped;
    return read;
  }

  // Time that is spent on waiting for pixels is the time of reading.
  template <class F>
  Read waited_for(F&& reading) {
    const Stopwatch waited(result_.read_seconds);
    auto read = reading();
    result_.clipped_at_load += read.clipped;
    return read;
  }

  uint64_t read_slice(size_t node, size_t index, Block& block, size_t slice) const {
    const auto& source = plan_.nodes[node].source;
    const auto& label = source.schema.slices[index].label;
    try {
      return run_.sources[node]
          ->read(source, source.members[index], block, slice, datasets_)
          .clipped;
    } catch (Error& error) {
      error.at({.step = step_name_, .item = plan_.item.name, .scene = label});
      if (error.code() == ErrorCode::corrupt || error.code() == ErrorCode::missing)
        throw UnreadableSlice(error, node, error.place().scene);
      throw;
    }
  }

  // Sinks encode while others compute: a phase's time is shared out by what its threads did.
  class Phase {
   public:
    explicit Phase(Weaving& weaving) : weaving_(weaving) {}
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;
    ~Phase() {
      const double phase = seconds_since(start_), busy = weaving_.busy_seconds_;
      const double sinks = busy > 0 ? phase * weaving_.sink_seconds_ / busy : 0;
      weaving_.result_.encode_seconds += sinks;
      weaving_.result_.compute_seconds += phase - sinks;
    }

   private:
    Weaving& weaving_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  template <class F>
  void compute(std::vector<Strip>& strips, F&& body) {
    busy_seconds_ = sink_seconds_ = 0;
    const Phase phase(*this);
    cores_.for_each_index(strips.size(), [&](size_t i) {
      check_stop();
      const auto begun = std::chrono::steady_clock::now();
      body(strips[i]);
      busy_seconds_ += seconds_since(begun);
    });
  }

  void check_stop() const {
    if (stop_.load())
      throw Error(ErrorCode::cancelled, "stopped")
          .at({.step = step_name_, .item = plan_.item.name});
  }

  const raster::CubeSchema& schema_of(const workflow::InputRef& ref) const {
    return plan_.nodes[ref.node].outputs[ref.output];
  }

  // A source's block as the strip's node result: a view of its rows, no copy.
  Block source_strip(const Block& block, size_t node, const geo::Window& strip) const {
    const auto window = strip.expanded(needs_[node]);
    auto rows = const_cast<Block&>(block).strip(window.y - block.window().y, window.height);
    return rows.window() == window ? rows : cropped(rows, node, 0, window);
  }

  Block cropped(const Block& block, size_t node, size_t output, const geo::Window& window) const {
    Block part(plan_.nodes[node].outputs[output], window, block.first_slice(), block.slices());
    part.copy_from(block);
    return part;
  }

  // The inputs of a node for an output window: exactly that window grown by the node's halo.
  struct Inputs {
    std::vector<Block> owned;
    std::vector<const Block*> blocks;
    std::vector<const raster::CubeSchema*> schemas, output_schemas;
  };
  Inputs inputs_of(size_t node, const StripResults& results,
                   const geo::Window& output_window) const {
    Inputs inputs;
    const auto window = output_window.expanded(plan_.nodes[node].halo_pixels);
    inputs.owned.reserve(chain_.nodes[node].inputs.size());
    for (const auto& ref : chain_.nodes[node].inputs) {
      const auto& block = results[ref.node][ref.output];
      inputs.schemas.push_back(&schema_of(ref));
      if (block.window() == window) {
        inputs.blocks.push_back(&block);
      } else {
        inputs.owned.push_back(cropped(block, ref.node, ref.output, window));
        inputs.blocks.push_back(&inputs.owned.back());
      }
    }
    for (const auto& schema : plan_.nodes[node].outputs) inputs.output_schemas.push_back(&schema);
    return inputs;
  }

  workflow::BlockCall call_of(size_t node, const Inputs& inputs,
                              std::span<Block* const> outputs) const {
    return {inputs.schemas, inputs.output_schemas, prepared_[node].get(), inputs.blocks,
            outputs,        &plan_.zone_grid};
  }

  // Empty outputs of a node: a pointwise op of a batch makes the batch's slices, others all of
  // theirs.
  std::vector<Block> make_outputs(size_t node, const geo::Window& window,
                                  const Inputs& inputs) const {
    std::vector<Block> outputs;
    const bool as_batch = plan_.nodes[node].time_need == TimeNeed::pointwise;
    for (const auto& schema : plan_.nodes[node].outputs) {
      const auto& input = *inputs.blocks.front();
      outputs.emplace_back(schema, window, as_batch ? input.first_slice() : 0,
                           as_batch ? input.slices() : schema.slices.size());
    }
    return outputs;
  }

  static std::vector<Block*> pointers(std::vector<Block>& blocks) {
    std::vector<Block*> out;
    for (auto& block : blocks) out.push_back(&block);
    return out;
  }

  void run_block_op(size_t node, const geo::Window& strip, StripResults& results) const {
    const auto window = strip.expanded(needs_[node]);
    const auto inputs = inputs_of(node, results, window);
    results[node] = make_outputs(node, window, inputs);
    const auto outputs = pointers(results[node]);
    chain_.nodes[node].block().run(call_of(node, inputs, outputs));
  }

  void write_sink(size_t node, const geo::Window& strip, const StripResults& results) const {
    const auto start = std::chrono::steady_clock::now();
    const auto& ref = chain_.nodes[node].inputs.front();
    const auto& block = results[ref.node][ref.output];
    auto output = block.window() == strip ? block : cropped(block, ref.node, ref.output, strip);
    // Sinks know their item's grid only.
    output.move_window(strip.x - plan_.item.window.x, strip.y - plan_.item.window.y);
    sinks_[node]->write(output);
    sink_seconds_ += seconds_since(start);
  }

  void run_whole(const Strip& strip, const std::vector<Block>& sources) const {
    StripResults results(chain_.nodes.size());
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      switch (chain_.nodes[n].kind()) {
        case OpKind::source:
          results[n].push_back(source_strip(sources[n], n, strip.window));
          break;
        case OpKind::block:
          run_block_op(n, strip.window, results);
          break;
        case OpKind::sink:
          write_sink(n, strip.window, results);
          break;
        case OpKind::task:
        case OpKind::closing:
          break;
      }
    }
  }

  bool reducer(size_t node) const {
    return chain_.nodes[node].kind() == OpKind::block &&
           plan_.nodes[node].time_need == TimeNeed::streaming &&
           modes_.timeful[chain_.nodes[node].inputs.front().node];
  }

  void run_batch(Strip& strip, const std::vector<Block>& sources, bool first) const {
    StripResults results(chain_.nodes.size());
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      if (chain_.nodes[n].kind() == OpKind::source) {
        results[n].push_back(source_strip(sources[n], n, strip.window));
      } else if (modes_.timeful[n]) {
        run_block_op(n, strip.window, results);
      } else if (reducer(n)) {
        const auto window = strip.window.expanded(needs_[n]);
        const auto inputs = inputs_of(n, results, window);
        const auto& op = chain_.nodes[n].block();
        const auto call = call_of(n, inputs, {});
        if (first) strip.states[n] = op.init(call, window);
        op.update(*strip.states[n], call);
      }
    }
  }

  void run_rest(Strip& strip) const {
    StripResults results(chain_.nodes.size());
    for (size_t n = 0; n < chain_.nodes.size(); ++n) {
      if (chain_.nodes[n].kind() == OpKind::source || modes_.timeful[n]) continue;
      if (reducer(n)) {
        finish_reducer(n, strip, results);
      } else if (chain_.nodes[n].kind() == OpKind::block) {
        run_block_op(n, strip.window, results);
      } else {
        write_sink(n, strip.window, results);
      }
    }
  }

  void finish_reducer(size_t node, Strip& strip, StripResults& results) const {
    const auto window = strip.window.expanded(needs_[node]);
    for (const auto& schema : plan_.nodes[node].outputs)
      results[node].emplace_back(schema, window, 0, schema.slices.size());
    Inputs inputs;
    for (const auto& ref : chain_.nodes[node].inputs) inputs.schemas.push_back(&schema_of(ref));
    for (const auto& schema : plan_.nodes[node].outputs) inputs.output_schemas.push_back(&schema);
    const auto outputs = pointers(results[node]);
    chain_.nodes[node].block().finish(*strip.states[node], call_of(node, inputs, outputs));
    strip.states[node].reset();
  }

  void encode() {
    const Stopwatch encoding(result_.encode_seconds);
    std::vector<size_t> nodes;
    for (size_t n = 0; n < sinks_.size(); ++n)
      if (sinks_[n]) nodes.push_back(n);
    std::vector<std::optional<workflow::Product>> products(nodes.size());
    cores_.for_each_index(nodes.size(), [&](size_t i) {
      check_stop();
      products[i] = sinks_[nodes[i]]->finish();
    });
    for (auto& product : products) result_.products.push_back(std::move(*product));
  }

  const workflow::ChainRun& run_;
  const workflow::Chain& chain_;
  const std::string& step_name_;
  const workflow::ItemPlan& plan_;
  const BlockLayout& layout_;
  TaskPool& cores_;
  TaskPool& reads_;
  raster::AssetPool& datasets_;
  const std::atomic<bool>& stop_;
  std::vector<std::shared_ptr<const workflow::Prepared>> prepared_;  // by node
  const TimeModes modes_;
  const std::vector<int> needs_;
  std::vector<std::unique_ptr<workflow::Sink>> sinks_;  // by node
  // Of the phase at hand, summed over its threads.
  std::atomic<double> busy_seconds_ = 0;
  mutable std::atomic<double> sink_seconds_ = 0;
  std::vector<Block> spent_;  // by node: the sources' blocks of before, for their memory
  WeaveResult result_;
};

}  // namespace

TimeModes time_modes(const workflow::Chain& chain, const workflow::ItemPlan& plan) {
  TimeModes modes;
  modes.timeful.resize(chain.nodes.size(), false);
  size_t sources = 0;
  bool whole = false;
  for (size_t n = 0; n < chain.nodes.size(); ++n) {
    const auto& node = chain.nodes[n];
    if (node.kind() == OpKind::source) {
      modes.timeful[n] = true;
      ++sources;
      continue;
    }
    size_t timeful_inputs = 0;
    for (const auto& ref : node.inputs) timeful_inputs += modes.timeful[ref.node];
    if (timeful_inputs == 0) continue;
    const bool mixed = timeful_inputs != node.inputs.size();
    const auto need = plan.nodes[n].time_need;
    if (node.kind() != OpKind::block || mixed || need == TimeNeed::whole_axis)
      whole = true;
    else if (need == TimeNeed::pointwise)
      modes.timeful[n] = true;
  }
  modes.streaming = sources == 1 && !whole;
  return modes;
}

std::vector<int> halo_needs(const workflow::Chain& chain, const workflow::ItemPlan& plan) {
  std::vector<int> needs(chain.nodes.size(), 0);
  for (size_t n = chain.nodes.size(); n-- > 0;)
    for (const auto& ref : chain.nodes[n].inputs)
      needs[ref.node] = std::max(needs[ref.node], needs[n] + plan.nodes[n].halo_pixels);
  return needs;
}

WeaveResult Loom::weave(const workflow::StepRun& step, const workflow::ItemPlan& plan,
                        const BlockLayout& layout, const workflow::SinkContext& context,
                        const std::atomic<bool>& stop, StageSeconds* spent) const {
  Weaving weaving(step, plan, layout, cores_, reads_, datasets_, stop);
  const auto tell_spent = [&] {
    if (spent == nullptr) return;
    const auto of_this = weaving.spent();
    spent->read += of_this.read;
    spent->compute += of_this.compute;
    spent->encode += of_this.encode;
  };
  try {
    auto result = weaving.weave(context);
    tell_spent();
    return result;
  } catch (...) {
    tell_spent();
    throw;
  }
}

}  // namespace geoloom::engine
