// SPDX-License-Identifier: Apache-2.0
#include <cpl_conv.h>

#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

void set_default(const char* name, const char* value) {
  if (CPLGetConfigOption(name, nullptr) == nullptr) CPLSetConfigOption(name, value);
}

}  // namespace

void set_network_defaults() {
  set_default("GDAL_HTTP_MAX_RETRY", "3");
  set_default("GDAL_HTTP_RETRY_DELAY", "0.5");
  set_default("GDAL_HTTP_CONNECTTIMEOUT", "10");
  set_default("GDAL_HTTP_TIMEOUT", "120");
  // A connection over which nothing comes must not hold a thread for two minutes.
  set_default("GDAL_HTTP_LOW_SPEED_TIME", "30");
  set_default("GDAL_HTTP_LOW_SPEED_LIMIT", "1000");
  // The header of a granule with its block tables, in one answer.
  set_default("GDAL_INGESTED_BYTES_AT_OPEN", "32768");
  // Bytes held per upload; the default of 50 MB a writer would not fit small budgets.
  set_default("VSIS3_CHUNK_SIZE", "16");
}

}  // namespace geoloom::gdal
