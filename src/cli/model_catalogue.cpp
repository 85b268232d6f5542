// SPDX-License-Identifier: Apache-2.0
#include "cli/model_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/existing_store.h"
#include "error/error.h"
#include "error/spelling.h"
#include "learn/model_package.h"

namespace geoloom::cli {
namespace {

constexpr size_t kIdDigits = 8;

// Of a store on this machine nothing but the card is read.
learn::ModelCard card_in(const store::Store& store, const std::string& name) {
  const auto place = store.path_of(name);
  if (store.local()) return learn::read_model_card(place);
  return learn::read_model_bytes(store.get_bytes(name, learn::kMostModelBytes), place).card;
}

KnownModel known_model(const store::Store& store, const engine::StoreIndex::MadeModel& made) {
  KnownModel model;
  model.store = store.url();
  model.place = store.path_of(made.name);
  model.name = made.layer;
  model.id = made.fingerprint.substr(0, kIdDigits);
  model.item = made.item;
  model.bytes = made.bytes;
  model.uses = made.uses;
  try {
    auto card = card_in(store, made.name);
    card.fingerprint = made.fingerprint;
    card.run = made.run;
    card.step = made.step;
    card.trained = made.finished;
    model.card = std::move(card);
  } catch (const Error& error) {
    model.gone = fmt::format("{}: {}", traits(error.code()).name, error.message());
  }
  return model;
}

KnownModel model_file(const std::string& path) {
  KnownModel model;
  model.place = path;
  model.card = learn::read_model_card(path);
  model.name = model.card->name;
  model.id = model.card->fingerprint.substr(0, kIdDigits);
  std::error_code unknown;
  model.bytes = static_cast<int64_t>(std::filesystem::file_size(path, unknown));
  return model;
}

}  // namespace

std::vector<KnownModel> models_of(const std::vector<std::string>& stores) {
  std::vector<KnownModel> models;
  for (const auto& url : stores.empty() ? std::vector<std::string>{""} : stores) {
    const auto store = open_existing_store(url);
    engine::StoreIndex index(*store);
    for (const auto& made : index.models()) models.push_back(known_model(*store, made));
  }
  // Those of one store are in order already.
  std::stable_sort(models.begin(), models.end(), [](const auto& a, const auto& b) {
    return a.card && b.card && a.card->trained < b.card->trained;
  });
  return models;
}

KnownModel find_model(const std::string& reference, const std::vector<KnownModel>& models) {
  std::error_code none;
  if (std::filesystem::is_regular_file(reference, none)) return model_file(reference);
  const auto at = reference.find('@');
  const auto name = reference.substr(0, at);
  const auto id = at == std::string::npos ? std::string() : reference.substr(at + 1);
  const KnownModel* found = nullptr;
  const KnownModel* other = nullptr;
  for (const auto& model : models) {
    const bool named = model.name == name && model.id.starts_with(id);
    const bool by_id = at == std::string::npos && name.size() >= 4 && model.id.starts_with(name);
    if (!named && !by_id) continue;
    // The last of a name; an ID is meant to be one model's.
    if (found != nullptr && found->id != model.id && (by_id || !id.empty())) other = found;
    found = &model;
  }
  if (other != nullptr)
    throw Error(ErrorCode::invalid, fmt::format("'{}' is said of several models: {} and {}",
                                                reference, other->reference(), found->reference()))
        .hint("write more digits");
  if (found != nullptr) return *found;
  std::vector<std::string> known;
  for (const auto& model : models)
    if (std::find(known.begin(), known.end(), model.name) == known.end())
      known.push_back(model.name);
  throw Error(ErrorCode::missing, fmt::format("there is no model '{}'", reference))
      .hint(known.empty() ? "no run of the store has trained one; --store names another"
                          : spelling_hint(reference, known));
}

}  // namespace geoloom::cli
