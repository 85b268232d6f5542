// SPDX-License-Identifier: Apache-2.0
// Our own forests as files, in the open format of safetensors: a JSON header that says where which
// array stands, then the arrays. Whoever takes a model out of its package can read it with that
// library, or with a JSON parser and NumPy:
//
//   feature, left, right, leaf  I32 [nodes]  of all trees, one after another; -1: none
//   threshold                   F64 [nodes]  a row goes left when its value is at most this
//   tree_nodes                  I64 [trees]  how many nodes each tree has; its root is the first
//   leaf_values                 F64 [leaf rows, outputs]  shares of classes, or means
//
// A prediction is the mean over trees. The header's __metadata__ holds "geoloom_forest": "1" and,
// as JSON, names of features, the task, and values and names of classes.
#pragma once

#include <string>
#include <string_view>

#include "learn/tree_ensemble.h"

namespace geoloom::learn {

inline constexpr const char* kForestFileName = "forest.safetensors";
inline constexpr const char* kLinearFileName = "linear.json";
inline constexpr int kForestFileVersion = 1;

// Of an ensemble that ensemble_of() made. The same ensemble gives the same bytes.
std::string forest_file_bytes(const TreeEnsemble& ensemble);
// Throws Error(corrupt) for what is no such file, and as validate() does. `file` is its place.
TreeEnsemble read_forest_file(std::string_view bytes, const std::string& file);

}  // namespace geoloom::learn
