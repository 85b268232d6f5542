// SPDX-License-Identifier: Apache-2.0
#include "engine/receipts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>
#include <utility>

#include "workflow/schema_json.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr size_t kMostSegments = 32;

// Two receipts of one fingerprint must tell of the same pixels, and from one build of the same
// bytes.
std::string disagreement(const Receipt& a, const Receipt& b) {
  if (a.empty != b.empty || a.outputs.size() != b.outputs.size()) return "other outputs";
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    if (a.outputs[i].pixel_hash != b.outputs[i].pixel_hash)
      return "other pixels in layer " + a.outputs[i].layer;
    if (a.build == b.build && a.outputs[i].sha256 != b.outputs[i].sha256)
      return "other bytes in layer " + a.outputs[i].layer;
  }
  return {};
}

// Without parsing a record that is laid out as to_json() does: keys are in order, so that these two
// come before any that holds keys of others; and a quote within a text follows a backslash.
std::optional<std::string> fingerprint_in(const std::string& payload) {
  static const std::string key = "\"fingerprint\":\"",
                           version = fmt::format("\"geoloom_receipt\":{},", kReceiptVersion);
  const auto at = payload.find(key);
  if (payload.starts_with("{\"attempt\":") && at != std::string::npos) {
    const auto start = at + key.size(), end = payload.find('"', start);
    if (payload.find(version, end) != std::string::npos) return payload.substr(start, end - start);
  }
  const auto receipt = receipt_from_text(payload);
  return receipt ? std::optional(receipt->fingerprint) : std::nullopt;
}

// The text after the key, without parsing: the first one, or the last.
std::string_view text_after(std::string_view payload, std::string_view key, bool last) {
  const auto at = last ? payload.rfind(key) : payload.find(key);
  if (at == std::string_view::npos) return {};
  payload.remove_prefix(at + key.size());
  return payload.substr(0, payload.find('"'));
}
// Keys are in order: of those of an item none holds others before, of those of a step none after.
std::string_view item_in(std::string_view payload) {
  return text_after(payload, "\"item\":\"", false);
}
std::string_view step_in(std::string_view payload) {
  return text_after(payload, "\"step\":\"", true);
}

// The folder of a chunk, "layers/x/item/red/0.0.0", or empty: files of items lie beside each other.
std::string folder_of_chunk(const std::string& name) {
  size_t slash = 0;
  for (int parts = 0; parts < 3; ++parts) {
    slash = name.find('/', slash + (parts > 0 ? 1 : 0));
    if (slash == std::string::npos) return {};
  }
  return name.substr(0, slash);
}

}  // namespace

std::string chunk_folder(const Output& output) {
  return output.name.substr(0, output.name.rfind('/'));
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return geo::format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

ReceiptBook::ReceiptBook(store::Store& store)
    : store_(store), reader_(store, kReceiptsFolder), writer_(store, kReceiptsFolder) {
  read_new_records();
  for (const auto& name : store.list("layers/")) add_object(name);
}

void ReceiptBook::add_object(const std::string& name) {
  const auto folder = folder_of_chunk(name);
  if (folder.empty())
    objects_.insert(name);
  else
    ++chunks_[folder];
}

bool ReceiptBook::read_new_records() {
  auto records = reader_.read_new();
  damaged_ += records.damaged;
  for (auto& payload : records.payloads) {
    if (auto fingerprint = fingerprint_in(payload))
      add_unread(*fingerprint, std::move(payload));
    else
      ++damaged_;
  }
  return !records.payloads.empty();
}

void ReceiptBook::add_unread(const std::string& fingerprint, std::string payload) {
  const auto [found, fresh] = by_fingerprint_.try_emplace(fingerprint);
  if (fresh) {
    found->second.unread = std::move(payload);
    return;
  }
  if (auto receipt = receipt_from_text(payload)) (void)add(*std::move(receipt));
}

void ReceiptBook::read(Entry& entry) {
  std::call_once(entry.read, [&] {
    if (auto receipt = receipt_from_text(entry.unread))
      entry.receipt = std::make_unique<Receipt>(*std::move(receipt));
    entry.unread = {};
  });
}

bool ReceiptBook::refresh() {
  const std::lock_guard lock(mutex_);
  if (!read_new_records()) return false;
  chunks_.clear();
  for (const auto& name : store_.list("layers/")) add_object(name);
  return true;
}

const Receipt* ReceiptBook::add(Receipt receipt) {
  auto& entry = by_fingerprint_[receipt.fingerprint];
  read(entry);
  const auto* first = entry.receipt.get();
  if (first == nullptr) {
    entry.receipt = std::make_unique<Receipt>(std::move(receipt));
    return entry.receipt.get();
  }
  if (receipt.again || first->again) {
    // The newest wins; runs are in the order of their ids, whatever the clocks said.
    if (std::tie(receipt.run, receipt.finished) <= std::tie(first->run, first->finished))
      return first;
    replaced_.push_back(
        std::exchange(entry.receipt, std::make_unique<Receipt>(std::move(receipt))));
    return entry.receipt.get();
  }
  if (const auto what = disagreement(*first, receipt); !what.empty())
    throw Error(ErrorCode::corrupt,
                fmt::format("two attempts at one identity gave {} (attempts of {} by build {} "
                            "and of {} by build {})",
                            what, first->finished, first->build, receipt.finished, receipt.build))
        .at({.step = receipt.step, .item = receipt.item})
        .hint(
            "results are no longer reproducible: an input changed without its size and time, or "
            "an op changed without its version; "
            "find out which, then write to a new store");
  // The first committed receipt wins.
  return first;
}

bool ReceiptBook::files_exist(const Receipt& receipt) const {
  return std::all_of(receipt.outputs.begin(), receipt.outputs.end(), [this](const Output& output) {
    if (!output.chunks) return objects_.contains(output.name);
    const auto found = chunks_.find(chunk_folder(output));
    return found != chunks_.end() && found->second >= output.objects;
  });
}

// Parses without the lock, so that several threads do.
const Receipt* ReceiptBook::find_any(const std::string& fingerprint) const {
  std::unique_lock lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  if (found == by_fingerprint_.end()) return nullptr;
  auto& entry = found->second;
  lock.unlock();
  read(entry);
  lock.lock();
  return entry.receipt.get();
}

bool ReceiptBook::knows_step(const std::string& step) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(by_fingerprint_.begin(), by_fingerprint_.end(), [&](const auto& known) {
    const auto& entry = known.second;
    return entry.receipt ? entry.receipt->step == step : step_in(entry.unread) == step;
  });
}

std::vector<const Receipt*> ReceiptBook::of_items(
    const std::string& step, const std::unordered_set<std::string_view>& items) const {
  const std::lock_guard lock(mutex_);
  std::vector<const Receipt*> found;
  for (auto& [fingerprint, entry] : by_fingerprint_) {
    if (!entry.receipt && (!items.contains(item_in(entry.unread)) || step_in(entry.unread) != step))
      continue;
    read(entry);
    if (entry.receipt && entry.receipt->step == step && items.contains(entry.receipt->item))
      found.push_back(entry.receipt.get());
  }
  return found;
}

const Receipt* ReceiptBook::find(const std::string& fingerprint) const {
  const auto* receipt = find_any(fingerprint);
  if (receipt == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  return files_exist(*receipt) ? receipt : nullptr;
}

const Receipt* ReceiptBook::commit(Receipt receipt) {
  // Libraries' messages need not be UTF-8. Not under the lock: it takes longer than all the rest.
  const auto line = to_json(receipt).dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::lock_guard lock(mutex_);
  for (const auto& output : receipt.outputs) {
    if (output.chunks)
      chunks_[chunk_folder(output)] = output.objects;
    else
      objects_.insert(output.name);
  }
  const auto* added = add(std::move(receipt));
  writer_.append(line);
  return added;
}

void ReceiptBook::flush() {
  writer_.flush();
}

void ReceiptBook::compact() {
  writer_.flush();
  if (store_.local() || store_.list(std::string(kReceiptsFolder) + "/").size() <= kMostSegments)
    return;
  store::compact_segments(store_, kReceiptsFolder, [](std::string_view) { return true; });
}

}  // namespace geoloom::engine
