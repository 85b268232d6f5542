// SPDX-License-Identifier: Apache-2.0
// Descriptions of sensors as YAML files: those that come with the program (sensors/ of the source
// tree, compiled in), and users' own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/sensor.h"
#include "workflow/parameters.h"

namespace geoloom::workflow {

// Those compiled in, in order of their names.
std::vector<std::string> sensor_names();
// The file as it is. Throws Error(invalid) for an unknown name, with the nearest.
std::string_view sensor_text(const std::string& name);

// A name of sensor_names(), or the path of a file (it ends in .yaml, .yml or .json). Throws
// Error(invalid) with file, line and key.
catalog::Sensor find_sensor(const std::string& name_or_path);
catalog::Sensor parse_sensor(std::string_view text, const std::string& file);

// JSON Schema (draft 07) of such a file.
OrderedJson sensor_schema();

}  // namespace geoloom::workflow
