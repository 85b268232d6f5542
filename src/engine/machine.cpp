// SPDX-License-Identifier: Apache-2.0
#include "engine/machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/block_layout.h"
#include "engine/loom.h"
#include "engine/process_memory.h"
#include "gdal/dataset.h"

namespace geoloom::engine {
namespace {

// Left to the allocator, thread stacks and the encoder beside the tickets.
constexpr size_t kSlackBytes = size_t{32} << 20;
constexpr size_t kLeastPixelBytes = size_t{8} << 20;
// An open scene keeps its last decoded block.
constexpr size_t kHandleBytes = size_t{1} << 20;
constexpr size_t kSlackPerReadBytes = size_t{4} << 20;

MachineOptions settled(MachineOptions options) {
  if (!options.threads) options.threads = available_cores();
  if (!options.memory_bytes) options.memory_bytes = default_memory_bytes();
  if (!options.reads) options.reads = options.threads;
  return options;
}

}  // namespace

size_t default_memory_bytes() {
  return machine_memory_bytes() / 10 * 6;
}

namespace {

// What would be left for pixels; 0 when nothing would.
MemoryShare share_of(size_t memory_bytes, unsigned reads) {
  MemoryShare share;
  share.process_bytes = resident_bytes() + kSlackBytes + reads * kSlackPerReadBytes;
  share.gdal_cache_bytes =
      std::clamp<size_t>(memory_bytes / 16, size_t{8} << 20,
                         std::max<size_t>(size_t{64} << 20, reads * (size_t{4} << 20)));
  share.open_handles = std::clamp<size_t>(memory_bytes / 32 / kHandleBytes, reads + 4, 256);
  const size_t taken =
      share.process_bytes + share.gdal_cache_bytes + share.open_handles * kHandleBytes;
  share.pixel_bytes = memory_bytes > taken ? memory_bytes - taken : 0;
  return share;
}

// The cache and the handles grow with the budget, so the answer is found by trying.
size_t smallest_budget_mib(size_t memory_bytes, size_t pixel_bytes, unsigned reads) {
  size_t mib = (memory_bytes >> 20) + 1;
  while (share_of(mib << 20, reads).pixel_bytes < pixel_bytes) ++mib;
  return mib + 4;  // the process itself is not the same size each time
}

[[noreturn]] void refuse_budget(const MemoryShare& share, size_t memory_bytes, size_t need,
                                unsigned reads) {
  Error error(ErrorCode::resource,
              share.pixel_bytes < kLeastPixelBytes
                  ? fmt::format("a memory budget of {} MiB leaves nothing for pixels: the program "
                                "itself takes {} MiB",
                                memory_bytes >> 20, share.process_bytes >> 20)
                  : fmt::format("an item needs at least {} MiB for its slices, and a budget of {} "
                                "MiB leaves {} MiB",
                                (need >> 20) + 1, memory_bytes >> 20, share.pixel_bytes >> 20));
  throw error.hint(
      fmt::format("use --memory {}M or more", smallest_budget_mib(memory_bytes, need, reads)));
}

}  // namespace

size_t largest_need(const workflow::Run& run, unsigned threads, unsigned reads) {
  // Items of one step are alike; beyond this many they say nothing new.
  constexpr size_t kItemsLookedAt = 1000;
  size_t need = 0;
  for (const auto& step : run.steps()) {
    if (!step.selected || step.step->is_task() || !step.step->layers_read.empty()) continue;
    for (size_t i = 0; i < std::min(step.items.size(), kItemsLookedAt); ++i) {
      const auto plan = step.plan(step.items[i], nullptr);
      if (plan.empty()) continue;
      need = std::max(need, smallest_memory(cost_of(*step.chain_of(step.items[i]).chain, plan),
                                            step.items[i].window, threads, reads));
    }
  }
  return need;
}

namespace {

bool suffices(const workflow::Run& run, size_t memory_bytes, unsigned threads, unsigned reads) {
  return share_of(memory_bytes, reads).pixel_bytes >=
         std::max(kLeastPixelBytes, largest_need(run, threads, reads));
}

bool reads_over_network(const workflow::Run& run) {
  const bool remote_store = run.workflow().document.store.text.find("://") != std::string::npos;
  return std::any_of(run.steps().begin(), run.steps().end(), [&](const auto& step) {
    if (!step.selected) return false;
    if (remote_store && !step.step->layers_read.empty()) return true;
    return std::any_of(step.chains.begin(), step.chains.end(), [](const auto& chain) {
      return std::any_of(chain.sources.begin(), chain.sources.end(),
                         [](const auto& source) { return source && source->remote(); });
    });
  });
}

}  // namespace

MemoryShare share_memory(size_t memory_bytes, unsigned reads) {
  auto share = share_of(memory_bytes, reads);
  if (share.pixel_bytes < kLeastPixelBytes)
    refuse_budget(share, memory_bytes, kLeastPixelBytes, reads);
  return share;
}

void check_memory(const workflow::Run& run, size_t memory_bytes, unsigned threads, unsigned reads) {
  const auto share = share_of(memory_bytes, reads);
  const size_t need = std::max(kLeastPixelBytes, largest_need(run, threads, reads));
  if (share.pixel_bytes < need) refuse_budget(share, memory_bytes, need, reads);
}

unsigned reads_in_flight(const workflow::Run& run, const MachineOptions& options) {
  if (options.reads) return options.reads;
  const unsigned threads = options.threads ? options.threads : available_cores();
  if (!reads_over_network(run)) return threads;
  const size_t memory = options.memory_bytes ? options.memory_bytes : default_memory_bytes();
  for (unsigned reads = kNetworkReads; reads > threads; reads /= 2)
    if (suffices(run, memory, threads, reads)) return reads;
  return threads;
}

Machine::Machine(const MachineOptions& options)
    : options_(settled(options)),
      share_(share_memory(options_.memory_bytes, options_.reads)),
      budget(share_.pixel_bytes),
      datasets(share_.open_handles),
      cores(options_.threads),
      reads(options_.reads) {
  gdal::set_block_cache_bytes(share_.gdal_cache_bytes);
}

}  // namespace geoloom::engine
