// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what to do when a server refuses, in the names of the variables that GDAL
// reads for the kind of store.
#pragma once

#include <string>
#include <string_view>

#include "error/error.h"

namespace geoloom::gdal {

// `path` is GDAL's name of the object, `answer` what the server or GDAL said of it. Empty when
// there is nothing to say beyond the error itself.
std::string access_hint(std::string_view path, ErrorCode code, std::string_view answer);

// Whether the answer says that temporary credentials ran out, which others may have renewed since.
bool credentials_expired(std::string_view answer);
// Whether the server is there, but cannot answer right now.
bool server_is_busy(std::string_view answer);
// Whether a request ended without any answer, as of a server that stalls. GDAL tells of it so for
// listings, and does not try them again.
bool got_no_answer(std::string_view cause);

}  // namespace geoloom::gdal
