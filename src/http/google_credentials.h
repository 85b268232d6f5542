// SPDX-License-Identifier: Apache-2.0
// Access tokens for Google's services, from where their own libraries take them.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "http/client.h"
#include "http/retry.h"

namespace geoloom::http {

struct AccessToken {
  std::string text;
  std::chrono::system_clock::time_point expires;
};

class GoogleCredentials {
 public:
  virtual ~GoogleCredentials() = default;
  // A token with at least a minute to live, or an empty one when none is needed. Thread-safe.
  // Throws Error: denied (refused), unavailable.
  std::string token(Client& client, const Surroundings& surroundings);

 protected:
  virtual AccessToken fetch(Client& client, const Surroundings& surroundings) = 0;

 private:
  std::mutex mutex_;
  AccessToken cached_;
};

// In this order: GEOLOOM_PUBSUB_TOKEN (used as it is), the service account key file that
// GOOGLE_APPLICATION_CREDENTIALS names (a signed request is exchanged for a token), the metadata
// server of a Google machine (CPL_MACHINE_IS_GCE=YES, or GCE_METADATA_HOST). `scope` is what the
// token is for. Throws Error: denied when there is none of them, invalid or missing (key file).
std::unique_ptr<GoogleCredentials> google_credentials(const std::string& scope);
// For emulators: an empty token.
std::unique_ptr<GoogleCredentials> no_credentials();

}  // namespace geoloom::http
