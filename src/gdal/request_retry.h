// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what a server refused and may grant the next time. GDAL itself tries
// again after 429, 502, 503 and 504 to a read or a write, but not after 500, and not to a listing.
#pragma once

#include <cpl_conv.h>
#include <cpl_vsi.h>

#include <chrono>
#include <string>
#include <utility>

#include "error/error.h"
#include "error/message_log.h"
#include "gdal/access_hints.h"
#include "gdal/interruption.h"

namespace geoloom::gdal {

// Carries `action` out, which may be begun several times: once more with nothing remembered when
// the server says that the credentials have expired (whoever renews them writes a file that GDAL
// has read before), a few times, with growing pauses, when it says that it is busy, and once more
// when it does not answer.
template <typename Action>
auto with_retries(const Action& action) {
  constexpr int kBusyAttempts = 4;
  std::chrono::duration<double> pause(CPLAtof(CPLGetConfigOption("GDAL_HTTP_RETRY_DELAY", "0.5")));
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    try {
      return action();
    } catch (const Error& error) {
      const bool expired =
          error.code() == ErrorCode::denied && !renewed && credentials_expired(error.cause());
      const bool busy = error.code() == ErrorCode::unavailable && attempt < kBusyAttempts &&
                        server_is_busy(error.cause());
      const bool silent =
          error.code() == ErrorCode::unavailable && attempt == 1 && got_no_answer(error.cause());
      if (!expired && !busy && !silent) throw;
      tell(MessageLevel::note, std::string("asked again after: ") + error.what());
      renewed = renewed || expired;
      if (busy) interruptible_sleep(pause);
      if (busy) pause *= 2;
    }
    VSICurlClearCache();
  }
}

}  // namespace geoloom::gdal
