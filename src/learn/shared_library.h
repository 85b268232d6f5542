// SPDX-License-Identifier: Apache-2.0
// Libraries that are looked for and loaded when somebody trains with them: they come as Python
// wheels, and Geoloom neither contains nor needs them otherwise. Where they are is said by the
// environment, never by a document: loading a library is running its code.
#pragma once

#include <string>
#include <vector>

#include "error/error.h"

namespace geoloom::learn {

// How a library is called where, for people and for searching.
struct LibraryNames {
  std::string title;                     // "LightGBM"
  std::string variable;                  // "GEOLOOM_LIGHTGBM": path of the library
  std::string package;                   // "lightgbm", as pip knows it
  std::vector<std::string> in_packages;  // "lightgbm/lib/lib_lightgbm.so", below site-packages
  std::string file;                      // "lib_lightgbm.so", what the loader is asked for last
};

// Where it is: what the variable says; then the site-packages of the active virtual environment
// ($VIRTUAL_ENV), of the user and of the system; else its bare name. Throws Error(missing) where
// the variable names what is no file.
std::string find_library(const LibraryNames& names);

// Stays loaded until the program ends: such libraries keep threads.
class SharedLibrary {
 public:
  // Throws Error(missing) that says how to get it, with the loader's words as the cause.
  explicit SharedLibrary(const LibraryNames& names);

  const std::string& path() const { return path_; }
  // Throws Error(invalid): the library is of another version than expected.
  template <class Function>
  void bind(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name) const;

  std::string title_, path_;
  void* handle_ = nullptr;
};

}  // namespace geoloom::learn
