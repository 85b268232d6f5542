// SPDX-License-Identifier: Apache-2.0
#include "gdal/access_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace geoloom::gdal {
namespace {

// The variables of one kind of store. Names, never values.
struct Service {
  std::string_view prefix, anonymous, keys, endpoint, payer;
};

constexpr std::array<Service, 3> kServices{{
    {"/vsis3/", "AWS_NO_SIGN_REQUEST=YES",
     "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", "AWS_S3_ENDPOINT",
     "AWS_REQUEST_PAYER=requester"},
    {"/vsigs/", "GS_NO_SIGN_REQUEST=YES",
     "GOOGLE_APPLICATION_CREDENTIALS, or GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY",
     "CPL_GS_ENDPOINT", "GS_USER_PROJECT=your-project"},
    {"/vsiaz/", "AZURE_NO_SIGN_REQUEST=YES with AZURE_STORAGE_ACCOUNT",
     "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_ACCESS_KEY or "
     "AZURE_STORAGE_SAS_TOKEN",
     "the BlobEndpoint of AZURE_STORAGE_CONNECTION_STRING", ""},
}};

bool says(std::string_view answer, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [answer](std::string_view word) {
    return answer.find(word) != std::string_view::npos;
  });
}

std::string denied_hint(const Service& service, std::string_view answer) {
  if (says(answer, {"RequestTimeTooSkewed", "RequestTimeSkewed"}))
    return "the clock of this machine is wrong, and signatures hold the time: set it right (for "
           "example by NTP), then run the same command again";
  if (credentials_expired(answer))
    return fmt::format(
        "the credentials have run out: renew them ({}), then run the same command "
        "again; finished items are kept",
        service.keys);
  if (says(answer, {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocation"}))
    return "the bucket is in another region: set AWS_REGION to it";
  if (says(answer, {"SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthenticationFailed"}))
    return fmt::format("the key is wrong or unknown to this server: check {}, and {}", service.keys,
                       service.endpoint);
  if (says(answer, {"UserProjectMissing", "requester pays"}))
    return fmt::format("who reads this bucket pays for it: set {}", service.payer);
  if (says(answer, {"AWS_SECRET_ACCESS_KEY", "GS_SECRET_ACCESS_KEY", "AZURE_STORAGE_"}))
    return fmt::format("there are no credentials: set {}; for a public bucket set {}", service.keys,
                       service.anonymous);
  std::string hint =
      fmt::format("check that the credentials ({}) may do this; for a public bucket set {}",
                  service.keys, service.anonymous);
  if (!service.payer.empty()) hint += fmt::format("; where the reader pays, set {}", service.payer);
  return hint;
}

}  // namespace

bool credentials_expired(std::string_view answer) {
  return says(answer, {"ExpiredToken", "TokenRefreshRequired", "token has expired"});
}

bool server_is_busy(std::string_view answer) {
  return says(answer, {"InternalError", "SlowDown", "ServiceUnavailable", "ServerBusy",
                       "RequestTimeout", "OperationTimedOut"});
}

bool got_no_answer(std::string_view cause) {
  return cause.ends_with(": (null)");
}

std::string access_hint(std::string_view path, ErrorCode code, std::string_view answer) {
  if (path.starts_with("/vsicurl/"))
    return code == ErrorCode::denied
               ? "the address may need a signature, or its signature may have run out; headers and "
                 "passwords come from GDAL_HTTP_HEADER_FILE and .netrc"
               : "";
  for (const Service& service : kServices) {
    if (!path.starts_with(service.prefix)) continue;
    if (code == ErrorCode::denied) return denied_hint(service, answer);
    if (says(answer, {"NoSuchBucket", "ContainerNotFound"}))
      return fmt::format("there is no such bucket on this server: check its name, and {}",
                         service.endpoint);
    if (code == ErrorCode::unavailable && says(answer, {"esolve host", "onnection refused"}))
      return fmt::format("no server answers there: check the network and {}", service.endpoint);
  }
  return {};
}

}  // namespace geoloom::gdal
