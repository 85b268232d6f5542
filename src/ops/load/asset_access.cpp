// SPDX-License-Identifier: Apache-2.0
#include "ops/load/asset_access.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <mutex>

#include "catalog/archive_client.h"
#include "catalog/href.h"
#include "error/error.h"
#include "http/secret_value.h"
#include "http/url.h"
#include "ops/load/source_scenes.h"

namespace geoloom::ops {
namespace {

using Clock = std::chrono::system_clock;
using namespace std::chrono_literals;

constexpr auto kSignedFor = 10min;
constexpr auto kSpare = 1min;
constexpr size_t kMostKept = 20'000;

struct SignedAddress {
  std::string address;
  Clock::time_point until;
};

// Signs by an endpoint or a command, and remembers for a while.
class Signer {
 public:
  explicit Signer(workflow::SignParameters how) : how_(std::move(how)), client_({}) {}

  std::string sign(const std::string& address, bool renew) {
    {
      const std::lock_guard lock(mutex_);
      const auto known = known_.find(address);
      if (!renew && known != known_.end() && Clock::now() < known->second.until)
        return known->second.address;
    }
    auto made = how_.command.empty() ? ask_endpoint(address) : run_command(address);
    if (!made.address.starts_with("http://") && !made.address.starts_with("https://"))
      throw Error(ErrorCode::denied, "what signs addresses gives no address").at({.file = address});
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kMostKept) known_.clear();
    known_[address] = made;
    return made.address;
  }

 private:
  SignedAddress ask_endpoint(const std::string& address) {
    const char joint = how_.endpoint.find('?') == std::string::npos ? '?' : '&';
    const auto answer = client_.get(
        fmt::format("{}{}href={}", how_.endpoint, joint, http::percent_encode(address)));
    SignedAddress made{std::string(answer.root()["href"].text()), Clock::now() + kSignedFor};
    for (const char* key : {"msft:expiry", "expiry", "expires"})
      if (const auto end = geo::parse_time(answer.root()[key].text()))
        made.until = Clock::time_point(std::chrono::milliseconds(*end)) - kSpare;
    return made;
  }

  SignedAddress run_command(const std::string& address) const {
    auto text = http::command_output(http::secret_command(how_.command), address + "\n", 60s,
                                     fmt::format("the command '{}'", how_.command));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return {text, Clock::now() + kSignedFor};
  }

  const workflow::SignParameters how_;
  catalog::ArchiveClient client_;
  std::mutex mutex_;
  std::map<std::string, SignedAddress> known_;
};

}  // namespace

std::shared_ptr<const gdal::WebAccess> asset_access(const workflow::SourceParameters& source) {
  const bool headers = source.auth && source.auth->assets;
  if (!source.sign && !headers) return nullptr;
  auto access = std::make_shared<gdal::WebAccess>();
  if (source.sign)
    access->sign = [signer = std::make_shared<Signer>(*source.sign)](const std::string& address,
                                                                     bool renew) {
      return signer->sign(address, renew);
    };
  if (headers) access->headers = access_of(source).headers;
  return access;
}

AccessRules access_rules(const std::vector<workflow::SourceParameters>& sources,
                         const std::vector<const catalog::Scene*>& scenes) {
  AccessRules rules;
  for (size_t s = 0; s < sources.size(); ++s) {
    auto access = asset_access(sources[s]);
    if (!access) continue;
    const bool only_headers = !access->sign;
    const auto origin = catalog::is_web_address(sources[s].stac)
                            ? http::parse_url(catalog::web_address(sources[s].stac)).origin()
                            : std::string();
    std::vector<std::string> paths;
    for (const auto* scene : scenes) {
      if (scene->source != s) continue;
      for (const auto& asset : scene->assets) {
        if (!catalog::is_web_address(asset.path)) continue;
        // Headers are for the server that was named, and for no other.
        const auto address = catalog::web_address(asset.path);
        if (only_headers && http::parse_url(address).origin() != origin) continue;
        paths.push_back(asset.path);
      }
    }
    rules.push_back(std::make_unique<gdal::WebAccessRule>(std::move(paths), std::move(access)));
  }
  return rules;
}

}  // namespace geoloom::ops
