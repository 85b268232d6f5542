// SPDX-License-Identifier: Apache-2.0
#include "engine/receipts.h"
#include "workflow/schema_json.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

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

}  // namespace

Json to_json(const Receipt& receipt) {
  Json dropped = Json::array(), outputs = Json::array();
  for (const auto& d : receipt.dropped)
    dropped.push_back({{"scene", d.scene}, {"reason", d.reason}});
  for (const auto& output : receipt.outputs) outputs.push_back(output_to_json(output));
  Json json{{"geoloom_receipt", kReceiptVersion},
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
  if (receipt.again) json["again"] = true;
  if (!receipt.log.empty()) json["log"] = to_json(receipt.log);
  return json;
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
    receipt.again = json.value("again", false);
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
    if (const auto log = json.find("log"); log != json.end())
      receipt.log = attempt_log_from_json(*log);
    for (const auto& output : json.at("outputs"))
      receipt.outputs.push_back(output_from_json(output));
    return receipt;
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const Error&) {  // metrics that are none
    return std::nullopt;
  }
}

}  // namespace geoloom::engine
