// SPDX-License-Identifier: Apache-2.0
#include "serve/median_tasks.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "catalog/href.h"
#include "engine/item_handler.h"
#include "engine/task_message.h"
#include "gdal/allowed_roots.h"
#include "store/checksum.h"
#include "workflow/compile.h"
#include "workflow/run.h"

namespace geoloom::serve {
namespace {

using workflow::Json;

constexpr size_t kMostDatasets = 65535;
constexpr size_t kLongestName = 4096;
constexpr size_t kDestinationsKept = 16;
// Beyond any raster, and far from where sums of two would overflow.
constexpr int64_t kMostPixels = int64_t{1} << 40;

const Json& at(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end())
    throw Error(ErrorCode::invalid, fmt::format("the request has no \"{}\"", key))
        .hint(R"({"window": [x, y, width, height], "destination": ..., "datasets": [...]})");
  return *found;
}

std::string name_at(const Json& json, const char* what) {
  if (!json.is_string() || json.get_ref<const std::string&>().empty() ||
      json.get_ref<const std::string&>().size() > kLongestName)
    throw Error(ErrorCode::invalid, fmt::format("{} is a text", what));
  return json.get<std::string>();
}

void read_window(const Json& window, MedianRequest& request) {
  if (!window.is_array() || window.size() != 4)
    throw Error(ErrorCode::invalid, "\"window\" is four whole numbers: x, y, width, height");
  int64_t numbers[4];
  for (size_t i = 0; i < 4; ++i) {
    if (!window[i].is_number_integer())
      throw Error(ErrorCode::invalid, "\"window\" is four whole numbers: x, y, width, height");
    // Above the range of int64 a JSON number is unsigned, and would turn negative.
    const bool huge = window[i].is_number_unsigned() && window[i].get<uint64_t>() > kMostPixels;
    numbers[i] = huge ? kMostPixels + 1 : window[i].get<int64_t>();
    if (numbers[i] < 0 || numbers[i] > kMostPixels)
      throw Error(ErrorCode::invalid,
                  fmt::format("\"window\" {} does not lie in the raster", window.dump()));
  }
  request.x = numbers[0];
  request.y = numbers[1];
  request.width = numbers[2];
  request.height = numbers[3];
  if (request.width == 0 || request.height == 0)
    throw Error(ErrorCode::invalid, fmt::format("\"window\" {} has no pixels", window.dump()));
}

// The folder and the name in it.
std::pair<std::string, std::string> split(const std::string& destination) {
  const auto slash = destination.rfind('/');
  if (slash == std::string::npos || slash + 1 == destination.size() || slash == 0)
    throw Error(ErrorCode::invalid, "\"destination\" does not name a file in a folder or bucket");
  return {destination.substr(0, slash), destination.substr(slash + 1)};
}

// A dollar sign would begin a reference in a document.
std::string literal(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '$' ? "$$" : std::string(1, c);
  return out;
}

std::string document_of(const MedianRequest& request, const Json& profile) {
  std::vector<std::string> scenes;
  for (const auto& dataset : request.datasets) scenes.push_back(literal(dataset));
  const Json load{{"scenes", scenes},
                  {"order", "given"},
                  {"band_names", {"red", "green", "blue"}},
                  {"bands", {"red", "green", "blue"}},
                  {"reject", {{"any_band_in", {0, 255}}}}};
  const Json document{
      {"geoloom", 1},
      {"name", "median"},
      {"store", "not-used"},
      {"area",
       {{"same_grid_as", Json::array({scenes.front()})},
        {"window", {request.x, request.y, request.width, request.height}}}},
      {"steps",
       {{"median",
         {{"do", Json::array({Json{{"load", load}}, Json{{"median_rgb", Json::object()}},
                              Json{{"save", {{"layer", "median"}, {"profile", profile}}}}})}}}}}};
  return document.dump();
}

}  // namespace

MedianRequest median_request_from_json(const Json& json) {
  MedianRequest request;
  read_window(at(json, "window"), request);
  request.destination = name_at(at(json, "destination"), "\"destination\"");
  const auto& datasets = at(json, "datasets");
  if (!datasets.is_array() || datasets.empty() || datasets.size() > kMostDatasets)
    throw Error(ErrorCode::invalid,
                fmt::format("\"datasets\" is a list of 1 to {} names", kMostDatasets));
  std::set<std::string> seen;
  for (const auto& dataset : datasets) {
    request.datasets.push_back(name_at(dataset, "each of \"datasets\""));
    // Folders, lists and patterns are for documents; a request names each file.
    if (!catalog::is_image_name(catalog::without_query(request.datasets.back())))
      throw Error(ErrorCode::invalid, "a dataset is not named like an image (.tif, .tiff, .jp2)")
          .at({.scene = request.datasets.back()});
    if (!seen.insert(request.datasets.back()).second)
      throw Error(ErrorCode::invalid, "a dataset is named twice, and would count twice")
          .at({.scene = request.datasets.back()});
  }
  return request;
}

MedianTasks::MedianTasks(const workflow::Registry& registry, engine::Machine& machine, Json profile,
                         unsigned at_once, const std::atomic<bool>& stop)
    : registry_(registry),
      machine_(machine),
      profile_(std::move(profile)),
      at_once_(at_once),
      stop_(stop) {
  MedianRequest any;
  any.width = any.height = 1;
  any.datasets = {"any.tif"};
  auto document = workflow::parse_document(document_of(any, profile_), "--median-profile");
  workflow::resolve(document, {});
  (void)workflow::compile(document, registry_);
}

std::string MedianTasks::path() const {
  return engine::kMedianPath;
}

Job MedianTasks::accept(const Delivery& delivery) {
  auto request = median_request_from_json(delivery.payload);
  const auto [folder, name] = split(request.destination);
  gdal::check_writable(request.destination);
  for (const auto& dataset : request.datasets) gdal::check_readable(dataset);
  Job job;
  job.key = store::sha256_hex(delivery.payload.dump());
  job.facts = {{"window", {request.x, request.y, request.width, request.height}},
               {"destination", request.destination},
               {"datasets", request.datasets.size()}};
  job.work = [this, shared = std::make_shared<const MedianRequest>(std::move(request))] {
    return carried_out(*shared);
  };
  return job;
}

std::shared_ptr<MedianTasks::Destination> MedianTasks::destination(const std::string& folder) {
  // One at a time: opening a store checks that it can be written to.
  const std::lock_guard lock(mutex_);
  for (auto entry = recent_.begin(); entry != recent_.end(); ++entry) {
    if ((*entry)->url != folder) continue;
    recent_.splice(recent_.begin(), recent_, entry);
    return recent_.front();
  }
  auto made = std::make_shared<Destination>();
  made->url = folder;
  made->store = store::open_store(folder);
  made->scratch = std::make_unique<store::Scratch>(store::scratch_parent(*made->store));
  recent_.push_front(made);
  if (recent_.size() > kDestinationsKept) recent_.pop_back();
  return made;
}

workflow::OrderedJson MedianTasks::carried_out(const MedianRequest& request) {
  auto document = workflow::parse_document(document_of(request, profile_), "the request");
  workflow::resolve(document, {});
  const auto run = workflow::Run::create(document, registry_, {}, engine::build_identity());
  const auto& step = run->steps().front();
  auto plan = step.plan(step.items.front(), nullptr);
  if (plan.empty()) throw Error(ErrorCode::invalid, "no dataset lies in the window");
  const auto [folder, name] = split(request.destination);
  const auto to = destination(folder);
  const store::ScratchFolder unfinished(*to->scratch);
  auto woven = engine::weave_item(step, std::move(plan), nullptr,
                                  {machine_.budget, machine_.cores, machine_.reads,
                                   machine_.datasets, unfinished.path(), stop_, at_once_});
  const auto& product = woven.result.products.front();
  to->store->put_file(product.scratch_path, name);
  return {{"outcome", "done"},
          {"bytes", product.summary.bytes},
          {"sha256", product.summary.sha256},
          {"read_seconds", woven.result.read_seconds},
          {"compute_seconds", woven.result.compute_seconds},
          {"encode_seconds", woven.result.encode_seconds}};
}

}  // namespace geoloom::serve
