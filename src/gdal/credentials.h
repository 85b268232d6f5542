// SPDX-License-Identifier: Apache-2.0
// Private to this folder: temporary credentials run out during long runs, and whoever renews them
// writes a file that GDAL has read before.
#pragma once

#include <cpl_vsi.h>

#include <utility>

#include "error/error.h"
#include "gdal/access_hints.h"

namespace geoloom::gdal {

// Carries `action` out; once more, with nothing remembered, when the server says that the
// credentials have expired. `action` may be begun twice.
template <typename Action>
auto with_renewed_credentials(const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::denied || !credentials_expired(error.cause())) throw;
  }
  VSICurlClearCache();
  return action();
}

}  // namespace geoloom::gdal
