// SPDX-License-Identifier: Apache-2.0
// Documents made of several files: `include: base.yaml`, or a list of files.
//
// An included file is written like a document and may lack anything but its version. Files are
// merged in the order of the list, then comes the including file; what comes later wins:
//
//   params       by name; a declaration key by key, and a plain value over a declaration is its
//                default
//   sources      by name, and key by key
//   area         key by key
//   steps, components, outputs, profiles
//                by name; an entry is replaced as a whole
//   all other keys, lists among them: replaced as a whole
//
// A null in place of a source, a key of a source or of the area, a step, a component, an output or
// a profile takes away what is below. Names keep the place among their kind that they had first;
// every value keeps the file and line it was written in.
#pragma once

#include <functional>
#include <string>

#include "workflow/component.h"
#include "workflow/value.h"

namespace geoloom::workflow {

inline constexpr size_t kMaxIncludeDepth = 8;
inline constexpr size_t kMaxIncludes = 100;  // in all; a file that is included twice counts twice

// `root`, a map, as it stands in the file `file`, over all that it includes; without the key
// `include`. Paths are relative to the folder of the file that names them; `read_file` is given
// them as seen from the folder of `file`, and paths of components in included files are made so,
// too. `check` looks at each included file before it is merged. Throws Error(invalid) with the
// place: not a path, a file that cannot be read, a file within itself, more files or levels than
// above, more than kMaxDocumentBytes or kMaxValues in all.
Value with_includes(Value root, const std::string& file, size_t bytes, const ReadFile& read_file,
                    const std::function<void(const Value&)>& check);

}  // namespace geoloom::workflow
