// SPDX-License-Identifier: Apache-2.0
// The models that the runs of some stores have trained, all of them: a model that was trained again
// stands beside those before it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/store_index.h"
#include "learn/model_card.h"

namespace geoloom::cli {

struct KnownModel {
  std::string store;           // its address; empty of a file
  std::string place;           // of the file, as it can be opened
  std::string name, id, item;  // id: the first digits of the training's fingerprint
  int64_t bytes = 0;
  std::optional<learn::ModelCard> card;  // with run, step and time; nullopt: see `gone`
  std::string gone;                      // why the card cannot be read: the file was removed
  std::vector<engine::StoreIndex::ModelUse> uses;

  // What `show` and `compare` take: "crops@1a2b3c4d".
  std::string reference() const { return id.empty() ? place : name + "@" + id; }
};

// Of stores, none: that of the last run; oldest first. Throws as opening a store does.
std::vector<KnownModel> models_of(const std::vector<std::string>& stores);

// The model that a text names: a package or model file, NAME (the last one trained under it), an ID
// or NAME@ID. Throws Error: missing (there is none, with the names there are), invalid (an ID that
// several have).
KnownModel find_model(const std::string& reference, const std::vector<KnownModel>& models);

}  // namespace geoloom::cli
