// SPDX-License-Identifier: Apache-2.0
#include "engine/run_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "engine/item_handler.h"
#include "gdal/dataset.h"
#include "store/checksum.h"
#include "store/store.h"
#include "store/tar_file.h"

namespace geoloom::engine {
namespace {

using store::NamedTexts;
using workflow::Json;

constexpr const char *kAbout = "export.json", *kRecord = "run.json", *kReceipts = "receipts.jsonl";
constexpr size_t kMostBytes = size_t{4} << 30;
constexpr size_t kMostMissing = 20;

bool is_tar(const std::string& path) {
  return path.ends_with(".tar");
}

// What is left of a name of a file when it becomes a part of another.
std::string plain(const std::string& name, size_t number) {
  auto base = std::filesystem::path(name).filename().string();
  const auto odd = [](unsigned char c) {
    return std::isalnum(c) == 0 && c != '.' && c != '_' && c != '-';
  };
  std::replace_if(base.begin(), base.end(), odd, '_');
  if (base.empty() || base.front() == '.') base = "_" + base;
  return number == 0 ? "document/" + base : fmt::format("document/{}-{}", number, base);
}

NamedTexts texts_of(const workflow::Run& run, const RunState& state) {
  const auto& record = run.record();
  NamedTexts texts{{kRecord, workflow::to_json(record).dump()},
                   {plain(record.document_file, 0), record.document_text}};
  size_t number = 0;
  for (const auto& [name, text] : record.document_files) texts[plain(name, ++number)] = text;
  std::string receipts;
  for (size_t s = 0; s < run.steps().size(); ++s)
    for (size_t i = 0; i < run.steps()[s].items.size(); ++i)
      if (const auto* receipt = state.receipt(s, i))
        receipts += to_json(*receipt).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  texts[kReceipts] = std::move(receipts);
  Json files = Json::object();
  for (const auto& [name, text] : texts) files[name] = store::sha256_hex(text);
  texts[kAbout] = Json{
      {"geoloom_export", kRunExportVersion},
      {"run", record.id},
      {"build", build_identity()},
      {"created", now_text()},
      {"files",
       files}}.dump(1);
  return texts;
}

[[noreturn]] void throw_damaged(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::corrupt, what).at({.file = path}).hint("export the run again");
}

NamedTexts read_folder(const std::string& path) {
  NamedTexts texts;
  for (const auto* name : {kAbout, kRecord, kReceipts}) {
    const auto file = path + "/" + name;
    if (!std::filesystem::exists(file))
      throw_damaged(path, fmt::format("this is no exported run: it has no {}", name));
    texts[name] = gdal::read_file(file, kMostBytes);
  }
  return texts;
}

void check_texts(const NamedTexts& texts, const std::string& path) {
  for (const auto* name : {kAbout, kRecord, kReceipts})
    if (!texts.contains(name))
      throw_damaged(path, fmt::format("this is no exported run: it has no {}", name));
  const auto about = Json::parse(texts.at(kAbout));
  const int version = about.at("geoloom_export").get<int>();
  if (version > kRunExportVersion)
    throw Error(ErrorCode::invalid, fmt::format("export of format {}, this Geoloom knows up to {}",
                                                version, kRunExportVersion))
        .at({.file = path})
        .hint("use a newer Geoloom");
  for (const auto* name : {kRecord, kReceipts})
    if (about.at("files").at(name) != store::sha256_hex(texts.at(name)))
      throw_damaged(path, fmt::format("{} is damaged: it has another checksum", name));
}

RunExport export_from(const NamedTexts& texts, const std::string& path) {
  RunExport exported;
  exported.record = workflow::run_record_from_json(Json::parse(texts.at(kRecord)));
  const auto usable = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  const auto& id = exported.record.id;
  if (id.empty() || !std::all_of(id.begin(), id.end(), usable))
    throw Error(ErrorCode::denied, fmt::format("refused: '{}' is no id of a run", id))
        .at({.file = path});
  std::istringstream lines(texts.at(kReceipts));
  for (std::string line; std::getline(lines, line);) {
    auto receipt = receipt_from_text(line);
    if (!receipt) throw_damaged(path, "a receipt cannot be read");
    exported.receipts.push_back(*std::move(receipt));
  }
  return exported;
}

}  // namespace

void write_run_export(const workflow::Run& run, const RunState& state, const std::string& path) {
  const auto texts = texts_of(run, state);
  if (is_tar(path)) return store::write_tar_file(path, texts);
  const auto folder = store::open_store(path);
  // That an export is there is said last.
  for (const auto& [name, text] : texts)
    if (name != kAbout) folder->put_bytes(text, name);
  folder->put_bytes(texts.at(kAbout), kAbout);
}

RunExport read_run_export(const std::string& path) {
  const auto texts = std::filesystem::is_directory(path) ? read_folder(path)
                                                         : store::read_tar_file(path, kMostBytes);
  try {
    check_texts(texts, path);
    return export_from(texts, path);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corrupt, "this is no exported run")
        .at({.file = path})
        .cause(error.what());
  }
}

namespace {

// Calls f with each text that may be the name of a file; what tells of identity is none.
template <class F>
void for_each_name(Json& json, const F& f) {
  if (json.is_string()) return f(json.get_ref<std::string&>());
  if (json.is_array())
    for (auto& each : json) for_each_name(each, f);
  if (!json.is_object()) return;
  for (auto& [key, value] : json.items())
    if (key != "identity" && key != "id" && key != "label") for_each_name(value, f);
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

size_t move_roots(workflow::RunRecord& record, const MovedRoots& roots) {
  size_t moved = 0;
  for_each_name(record.sources, [&](std::string& name) {
    for (const auto& [given_from, given_to] : roots) {
      const auto from = without_slash(given_from), to = without_slash(given_to);
      if (name != from && !name.starts_with(from + "/")) continue;
      name = to + name.substr(from.size());
      ++moved;
      return;
    }
  });
  return moved;
}

std::vector<std::string> missing_files(const workflow::RunRecord& record) {
  std::vector<std::string> missing;
  auto sources = record.sources;
  for_each_name(sources, [&](const std::string& name) {
    if (missing.size() >= kMostMissing || !name.starts_with("/") || name.starts_with("/vsi"))
      return;
    std::error_code error;
    if (std::filesystem::exists(name, error)) return;
    if (std::find(missing.begin(), missing.end(), name) == missing.end()) missing.push_back(name);
  });
  return missing;
}

namespace {

// Empty when the bytes are the same; "pixels" when only the pixels are.
std::string difference(const Receipt& was, const Receipt* is) {
  if (is == nullptr) return "it was not made";
  if (was.fingerprint != is->fingerprint) return "it has another fingerprint";
  if (was.empty != is->empty || was.outputs.size() != is->outputs.size())
    return "it has other outputs";
  bool same_bytes = true;
  for (size_t i = 0; i < was.outputs.size(); ++i) {
    if (was.outputs[i].pixel_hash != is->outputs[i].pixel_hash)
      return fmt::format("other pixels in layer '{}'", was.outputs[i].layer);
    same_bytes = same_bytes && was.outputs[i].sha256 == is->outputs[i].sha256;
  }
  return same_bytes ? "" : "pixels";
}

}  // namespace

ReplayVerdict compare_with_export(const RunExport& exported, const workflow::Run& run,
                                  const RunState& state) {
  std::map<std::string, const Receipt*> made;
  for (size_t s = 0; s < run.steps().size(); ++s)
    for (size_t i = 0; i < run.steps()[s].items.size(); ++i)
      if (const auto* receipt = state.receipt(s, i))
        made[run.steps()[s].step->name + "/" + run.steps()[s].items[i].name] = receipt;
  ReplayVerdict verdict;
  for (const auto& was : exported.receipts) {
    const auto name = was.step + "/" + was.item;
    const auto found = made.find(name);
    const auto why = difference(was, found == made.end() ? nullptr : found->second);
    ++verdict.items;
    verdict.files += was.outputs.size();
    if (why == "pixels")
      ++verdict.same_pixels;
    else if (!why.empty())
      verdict.others.push_back(name + ": " + why);
    if (found != made.end()) made.erase(found);
  }
  for (const auto& [name, receipt] : made) verdict.extra.push_back(name);
  return verdict;
}

}  // namespace geoloom::engine
