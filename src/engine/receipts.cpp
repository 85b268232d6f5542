// SPDX-License-Identifier: Apache-2.0
#include "engine/receipts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "workflow/schema_json.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr const char* kFolder = "receipts";
constexpr size_t kMostSegments = 32;

Json statistics_to_json(const raster::BandStatistics& s) {
  return {{"valid", s.valid},     {"total", s.total},
          {"minimum", s.minimum}, {"maximum", s.maximum},
          {"mean", s.mean},       {"deviation", s.deviation},
          {"clipped", s.clipped}, {"nodata_collisions", s.nodata_collisions}};
}

raster::BandStatistics statistics_from_json(const Json& json) {
  raster::BandStatistics s;
  s.valid = json.at("valid").get<uint64_t>();
  s.total = json.at("total").get<uint64_t>();
  s.minimum = json.at("minimum").get<double>();
  s.maximum = json.at("maximum").get<double>();
  s.mean = json.at("mean").get<double>();
  s.deviation = json.at("deviation").get<double>();
  s.clipped = json.at("clipped").get<uint64_t>();
  s.nodata_collisions = json.at("nodata_collisions").get<uint64_t>();
  return s;
}

std::optional<raster::ChunkLayout> chunks_from_json(const Json& json) {
  const auto found = json.find("chunks");
  if (found == json.end()) return std::nullopt;
  const auto codec = found->at("codec").get<std::string>();
  return raster::ChunkLayout{
      .side = found->at("side").get<int64_t>(),
      .codec = codec == "zstd" ? raster::Codec::zstd : raster::Codec::deflate};
}

Json output_to_json(const Output& output) {
  Json bands = Json::array();
  for (const auto& band : output.bands) bands.push_back(statistics_to_json(band));
  Json json{{"layer", output.layer},
            {"name", output.name},
            {"media_type", output.media_type},
            {"bytes", output.bytes},
            {"sha256", output.sha256},
            {"pixel_hash", output.pixel_hash},
            {"grid", workflow::grid_to_json(output.grid)},
            {"schema", output.schema ? workflow::schema_to_json(*output.schema) : Json()},
            {"bands", bands}};
  if (output.chunks)
    json["chunks"] = {{"side", output.chunks->side},
                      {"codec", raster::name(output.chunks->codec)},
                      {"objects", output.objects}};
  if (output.metrics) json["metrics"] = workflow::to_json(*output.metrics);
  return json;
}

Output output_from_json(const Json& json) {
  Output output;
  output.layer = json.at("layer").get<std::string>();
  output.name = json.at("name").get<std::string>();
  output.media_type = json.at("media_type").get<std::string>();
  output.bytes = json.at("bytes").get<int64_t>();
  output.sha256 = json.at("sha256").get<std::string>();
  output.pixel_hash = json.at("pixel_hash").get<std::string>();
  output.grid = workflow::grid_from_json(json.at("grid"));
  if (!json.at("schema").is_null()) output.schema = workflow::schema_from_json(json.at("schema"));
  for (const auto& band : json.at("bands")) output.bands.push_back(statistics_from_json(band));
  output.chunks = chunks_from_json(json);
  if (output.chunks) output.objects = json.at("chunks").at("objects").get<size_t>();
  if (const auto found = json.find("metrics"); found != json.end())
    output.metrics = workflow::metrics_from_json(*found);
  return output;
}

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

Json to_json(const Receipt& receipt) {
  Json dropped = Json::array(), outputs = Json::array();
  for (const auto& d : receipt.dropped)
    dropped.push_back({{"scene", d.scene}, {"reason", d.reason}});
  for (const auto& output : receipt.outputs) outputs.push_back(output_to_json(output));
  return {{"geoloom_receipt", kReceiptVersion},
          {"fingerprint", receipt.fingerprint},
          {"build", receipt.build},
          {"run", receipt.run},
          {"step", receipt.step},
          {"item", receipt.item},
          {"state", receipt.empty ? "empty" : "done"},
          {"attempt", receipt.attempt},
          {"started", receipt.started},
          {"finished", receipt.finished},
          {"seconds",
           {{"read", receipt.read_seconds},
            {"compute", receipt.compute_seconds},
            {"encode", receipt.encode_seconds},
            {"wall", receipt.wall_seconds}}},
          {"read_amplification", receipt.read_amplification},
          {"memory_bytes", receipt.memory_bytes},
          {"chain", receipt.chain},
          {"scenes", receipt.scenes},
          {"dropped", dropped},
          {"clipped_at_load", receipt.clipped_at_load},
          {"notes", receipt.notes},
          {"outputs", outputs}};
}

std::optional<Receipt> receipt_from_json(const Json& json) {
  try {
    if (json.at("geoloom_receipt").get<int>() != kReceiptVersion) return std::nullopt;
    Receipt receipt;
    receipt.fingerprint = json.at("fingerprint").get<std::string>();
    receipt.build = json.at("build").get<std::string>();
    receipt.run = json.at("run").get<std::string>();
    receipt.step = json.at("step").get<std::string>();
    receipt.item = json.at("item").get<std::string>();
    receipt.empty = json.at("state") == "empty";
    receipt.attempt = json.at("attempt").get<int>();
    receipt.started = json.at("started").get<std::string>();
    receipt.finished = json.at("finished").get<std::string>();
    const auto& seconds = json.at("seconds");
    receipt.read_seconds = seconds.at("read").get<double>();
    receipt.compute_seconds = seconds.at("compute").get<double>();
    receipt.encode_seconds = seconds.at("encode").get<double>();
    receipt.wall_seconds = seconds.at("wall").get<double>();
    receipt.read_amplification = json.at("read_amplification").get<double>();
    receipt.memory_bytes = json.at("memory_bytes").get<size_t>();
    receipt.chain = json.at("chain").get<std::string>();
    receipt.scenes = json.at("scenes").get<std::vector<std::string>>();
    for (const auto& d : json.at("dropped"))
      receipt.dropped.push_back(
          {d.at("scene").get<std::string>(), d.at("reason").get<std::string>()});
    receipt.clipped_at_load = json.at("clipped_at_load").get<uint64_t>();
    receipt.notes = json.at("notes").get<std::vector<std::string>>();
    for (const auto& output : json.at("outputs"))
      receipt.outputs.push_back(output_from_json(output));
    return receipt;
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const Error&) {  // metrics that are none
    return std::nullopt;
  }
}

Json to_json(const AttemptRecord& record) {
  return {{"time", record.time},        {"step", record.step},
          {"item", record.item},        {"attempt", record.attempt},
          {"state", record.state},      {"wall_seconds", record.wall_seconds},
          {"error", record.error_code}, {"message", record.message},
          {"place", record.place},      {"hint", record.hint},
          {"cause", record.cause}};
}

AttemptRecord attempt_from_json(const Json& json) {
  AttemptRecord record;
  record.time = json.value("time", "");
  record.step = json.value("step", "");
  record.item = json.value("item", "");
  record.attempt = json.value("attempt", 1);
  record.state = json.value("state", "");
  record.wall_seconds = json.value("wall_seconds", 0.0);
  record.error_code = json.value("error", "");
  record.message = json.value("message", "");
  record.place = json.value("place", "");
  record.hint = json.value("hint", "");
  record.cause = json.value("cause", "");
  return record;
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return geo::format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

ReceiptBook::ReceiptBook(store::Store& store)
    : store_(store), reader_(store, kFolder), writer_(store, kFolder) {
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
  const auto records = reader_.read_new();
  damaged_ += records.damaged;
  for (const auto& payload : records.payloads) {
    const auto json = Json::parse(payload, nullptr, false);
    auto receipt = json.is_discarded() ? std::nullopt : receipt_from_json(json);
    if (receipt)
      add(std::move(*receipt));
    else
      ++damaged_;
  }
  return !records.payloads.empty();
}

bool ReceiptBook::refresh() {
  const std::lock_guard lock(mutex_);
  if (!read_new_records()) return false;
  chunks_.clear();
  for (const auto& name : store_.list("layers/")) add_object(name);
  return true;
}

const Receipt* ReceiptBook::add(Receipt receipt) {
  const auto found = by_fingerprint_.find(receipt.fingerprint);
  if (found != by_fingerprint_.end()) {
    if (const auto what = disagreement(*found->second, receipt); !what.empty())
      throw Error(ErrorCode::corrupt,
                  fmt::format("two attempts at one identity gave {} (attempts of {} by build {} "
                              "and of {} by build {})",
                              what, found->second->finished, found->second->build, receipt.finished,
                              receipt.build))
          .at({.step = receipt.step, .item = receipt.item})
          .hint(
              "results are no longer reproducible: an input changed without its size and time, or "
              "an op changed without its version; "
              "find out which, then write to a new store");
    // The first committed receipt wins.
    return found->second.get();
  }
  auto owned = std::make_unique<Receipt>(std::move(receipt));
  return (by_fingerprint_[owned->fingerprint] = std::move(owned)).get();
}

bool ReceiptBook::files_exist(const Receipt& receipt) const {
  return std::all_of(receipt.outputs.begin(), receipt.outputs.end(), [this](const Output& output) {
    if (!output.chunks) return objects_.contains(output.name);
    const auto found = chunks_.find(chunk_folder(output));
    return found != chunks_.end() && found->second >= output.objects;
  });
}

const Receipt* ReceiptBook::find_any(const std::string& fingerprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  return found == by_fingerprint_.end() ? nullptr : found->second.get();
}

const Receipt* ReceiptBook::find(const std::string& fingerprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_fingerprint_.find(fingerprint);
  if (found == by_fingerprint_.end() || !files_exist(*found->second)) return nullptr;
  return found->second.get();
}

const Receipt* ReceiptBook::commit(Receipt receipt) {
  const std::lock_guard lock(mutex_);
  const auto line = to_json(receipt).dump();
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
  if (store_.local() || store_.list(std::string(kFolder) + "/").size() <= kMostSegments) return;
  store::compact_segments(store_, kFolder, [](std::string_view) { return true; });
}

}  // namespace geoloom::engine
