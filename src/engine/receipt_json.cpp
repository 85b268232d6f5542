// SPDX-License-Identifier: Apache-2.0
#include "catalog/json_document.h"
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
  for (const auto& each : receipt.given)
    json["given"].push_back(
        {{each.layer.empty() ? "file" : "layer", each.layer.empty() ? each.file : each.layer},
         {"hash", each.hash}});
  if (!receipt.log.empty()) json["log"] = to_json(receipt.log);
  return json;
}

namespace {

using catalog::JsonView;

// What is there with another type is as good as not there: the receipt is none.
template <class T>
const T& required(const std::optional<T>& value) {
  if (!value) throw Error(ErrorCode::corrupt, "this is no receipt");
  return *value;
}

std::string text_of(const JsonView& json) {
  return std::string(required(json.is_text() ? std::optional(json.text()) : std::nullopt));
}

double number_of(const JsonView& json) {
  return required(json.is_number() ? json.number() : std::nullopt);
}

std::vector<JsonView> elements_of(const JsonView& json) {
  return required(json.is_array() ? std::optional(json.elements()) : std::nullopt);
}

std::vector<std::string> texts_of(const JsonView& json) {
  std::vector<std::string> texts;
  for (const auto& each : elements_of(json)) texts.push_back(text_of(each));
  return texts;
}

Receipt receipt_of(const JsonView& json) {
  Receipt receipt;
  receipt.fingerprint = text_of(json["fingerprint"]);
  receipt.build = text_of(json["build"]);
  receipt.run = text_of(json["run"]);
  receipt.step = text_of(json["step"]);
  receipt.item = text_of(json["item"]);
  receipt.empty = text_of(json["state"]) == "empty";
  receipt.again = json["again"].is_true();
  receipt.attempt = static_cast<int>(number_of(json["attempt"]));
  receipt.started = text_of(json["started"]);
  receipt.finished = text_of(json["finished"]);
  const auto seconds = json["seconds"];
  receipt.read_seconds = number_of(seconds["read"]);
  receipt.compute_seconds = number_of(seconds["compute"]);
  receipt.encode_seconds = number_of(seconds["encode"]);
  receipt.wall_seconds = number_of(seconds["wall"]);
  receipt.read_amplification = number_of(json["read_amplification"]);
  receipt.memory_bytes = static_cast<size_t>(number_of(json["memory_bytes"]));
  receipt.chain = text_of(json["chain"]);
  receipt.scenes = texts_of(json["scenes"]);
  for (const auto& each : elements_of(json["dropped"]))
    receipt.dropped.push_back({text_of(each["scene"]), text_of(each["reason"])});
  if (const auto given = json["given"])
    for (const auto& each : elements_of(given))
      receipt.given.push_back({each["layer"] ? text_of(each["layer"]) : "",
                               each["file"] ? text_of(each["file"]) : "", text_of(each["hash"])});
  receipt.clipped_at_load = static_cast<uint64_t>(number_of(json["clipped_at_load"]));
  receipt.notes = texts_of(json["notes"]);
  if (const auto log = json["log"]) receipt.log = attempt_log_from_json(log.tree());
  for (const auto& each : elements_of(json["outputs"]))
    receipt.outputs.push_back(output_from_json(each.tree()));
  return receipt;
}

}  // namespace

// Without a tree of all parts, as starting a large run is mostly this.
std::optional<Receipt> receipt_from_text(const std::string& text) {
  // It keeps its memory from one receipt to the next.
  thread_local catalog::JsonDocument document;
  try {
    document.read(text, {});
    if (document.root()["geoloom_receipt"].number() != kReceiptVersion) return std::nullopt;
    return receipt_of(document.root());
  } catch (const Json::exception&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace geoloom::engine
