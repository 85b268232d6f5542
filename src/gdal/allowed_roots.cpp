// SPDX-License-Identifier: Apache-2.0
#include "gdal/allowed_roots.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <system_error>
#include <utility>

#include "error/error.h"

namespace geoloom::gdal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownCharacters = 200;
constexpr std::string_view kFileScheme = "file";
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kVirtualSystems{
    {{"/vsis3/", "s3://"}, {"/vsigs/", "gs://"}, {"/vsiaz/", "az://"}, {"/vsicurl/", ""}}};

Error denial(std::string_view href, std::string why) {
  Place place;
  place.file = std::string(href.substr(0, kShownCharacters));
  return Error(ErrorCode::denied, std::move(why)).at(place);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_control(char c) {
  const auto code = static_cast<unsigned char>(c);
  return code < 0x20 || code == 0x7f;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return std::nullopt;
}

std::string decoded(std::string_view part, std::string_view href) {
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      out += part[i];
      continue;
    }
    const auto high = i + 2 < part.size() ? hex_digit(part[i + 1]) : std::nullopt;
    const auto low = i + 2 < part.size() ? hex_digit(part[i + 2]) : std::nullopt;
    if (!high || !low) throw denial(href, "the address is not well encoded");
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

// What one server takes for a step up and the next for a name.
void refuse_ambiguous(std::string_view part, std::string_view href) {
  if (part.find_first_of("/\\") != std::string_view::npos ||
      std::any_of(part.begin(), part.end(), is_control))
    throw denial(href, "the address holds an encoded slash, a backslash or a control character");
  const std::string text = in_lower_case(part);
  for (const char* const twice : {"%2e", "%2f", "%5c", "%25", "%00"})
    if (text.find(twice) != std::string::npos)
      throw denial(href, "the address holds an encoded dot, slash or percent sign");
  // "..;x" is ".." to servers that know parameters of path parts.
  if (text.substr(0, text.find(';')) == "..") throw denial(href, "the address holds '..'");
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

// In lower case and without the port that the scheme means anyway.
std::string normal_host(std::string_view authority, std::string_view scheme,
                        std::string_view href) {
  std::string host = in_lower_case(authority);
  if (host.find('@') != std::string::npos) throw denial(href, "the address holds a user name");
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(port)) host.resize(host.size() - port.size());
  const size_t colon = host.find_last_of(":]");
  const size_t end = colon != std::string::npos && host[colon] == ':' ? colon : host.size();
  if (end > 0 && host[end - 1] == '.') host.erase(end - 1, 1);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), allowed))
    throw denial(href, "the address names no host");
  return host;
}

std::string checked_bucket(std::string_view bucket, std::string_view href) {
  const auto allowed = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._-$").find(c) != std::string_view::npos;
  };
  const bool dots = bucket.find_first_not_of('.') == std::string_view::npos;
  if (dots || !std::all_of(bucket.begin(), bucket.end(), allowed))
    throw denial(href, "the address names no bucket");
  return std::string(bucket);
}

std::string resolved(const std::string& path) {
  std::error_code failed;
  const auto absolute = fs::absolute(path, failed);
  const auto canonical = failed ? absolute : fs::weakly_canonical(absolute, failed);
  if (failed) throw denial(path, "the path cannot be followed").cause(failed.message());
  return canonical.string();
}

// "/vsis3/bucket/key" as "s3://bucket/key"; other names as they are.
std::string as_address(const std::string& href) {
  for (const auto& [system, scheme] : kVirtualSystems)
    if (href.starts_with(system)) return std::string(scheme) + href.substr(system.size());
  if (href.starts_with("/vsi")) throw denial(href, "this virtual file system is not allowed");
  return href;
}

bool begins_with(const std::vector<std::string>& parts, const std::vector<std::string>& start) {
  return parts.size() >= start.size() && std::equal(start.begin(), start.end(), parts.begin());
}

// A shared lock per opened path costs nothing beside the opening.
struct OwnFolders {
  std::shared_mutex mutex;
  std::multiset<std::string> paths;
};

OwnFolders& own_folders() {
  static OwnFolders folders;
  return folders;
}

bool is_own(const std::string& path) {
  if (path.starts_with("/vsi")) return path.starts_with("/vsimem/");
  const std::string place = resolved(path);
  OwnFolders& own = own_folders();
  const std::shared_lock lock(own.mutex);
  return std::any_of(own.paths.begin(), own.paths.end(), [&place](const std::string& folder) {
    return place == folder || place.starts_with(folder + "/");
  });
}

std::atomic<const AccessRules*>& rules_in_force() {
  static std::atomic<const AccessRules*> rules{nullptr};
  return rules;
}

void check(const std::string& href, Access access) {
  if (const AccessRules* rules = rules_in_force().load(std::memory_order_acquire))
    rules->check(href, access);
}

}  // namespace

struct AccessRules::Place {
  std::string scheme;     // "file", "s3", "gs", "az", "http", "https"
  std::string authority;  // bucket or host; empty for files
  std::vector<std::string> parts;
  bool has_query = false;
};

struct AccessRules::Root {
  Place place;
  bool admits_queries = false;
  std::string text;  // as it was given

  bool admits(const Place& asked) const {
    return asked.scheme == place.scheme && asked.authority == place.authority &&
           begins_with(asked.parts, place.parts) && (!asked.has_query || admits_queries);
  }
};

AccessRules::Place AccessRules::place_of(const std::string& href) {
  if (href.empty() || href.find('\0') != std::string::npos)
    throw denial(href, "the path is empty or holds a zero byte");
  const std::string address = as_address(href);
  const size_t colon = address.find("://");
  if (colon == std::string::npos || address.find('/') < colon)
    return {.scheme = std::string(kFileScheme), .parts = split(resolved(address))};
  Place place{.scheme = in_lower_case(std::string_view(address).substr(0, colon))};
  std::string_view rest = std::string_view(address).substr(colon + 3);
  if (place.scheme == kFileScheme) {
    if (!rest.starts_with('/')) throw denial(href, "file:// is followed by an absolute path");
    place.parts = split(resolved(std::string(rest)));
    return place;
  }
  const bool web = place.scheme == "http" || place.scheme == "https";
  if (!web && place.scheme != "s3" && place.scheme != "gs" && place.scheme != "az")
    throw denial(href,
                 fmt::format("{}:// is not allowed", place.scheme.substr(0, kShownCharacters)));
  if (rest.find('#') != std::string_view::npos) throw denial(href, "the address holds a '#'");
  place.has_query = rest.find('?') != std::string_view::npos;
  rest = rest.substr(0, rest.find('?'));
  const size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  place.authority =
      web ? normal_host(authority, place.scheme, href) : checked_bucket(authority, href);
  for (const auto& part : split(rest.substr(std::min(slash + 1, rest.size())))) {
    // The keys of buckets are what they are; only web servers decode paths.
    std::string plain = web ? decoded(part, href) : part;
    refuse_ambiguous(plain, href);
    if (plain != ".") place.parts.push_back(std::move(plain));
  }
  return place;
}

AccessRules::Root AccessRules::root_of(const std::string& text) {
  const auto refuse = [&text](const std::string& why) {
    return Error(ErrorCode::invalid, fmt::format("'{}' cannot be an allowed root: {}", text, why))
        .hint("give a folder, s3://bucket/prefix, gs://, az:// or https://host/path");
  };
  const bool queries = text.ends_with('?') && text.starts_with("http");
  Root root{.admits_queries = queries, .text = text};
  try {
    root.place = place_of(queries ? text.substr(0, text.size() - 1) : text);
  } catch (const Error& error) {
    throw refuse(error.message());
  }
  if (root.place.has_query) throw refuse("it holds a query string");
  return root;
}

AccessRules::AccessRules(const AllowedRoots& roots) : array_files_(roots.array_files) {
  for (const auto& text : roots.read) read_.push_back(root_of(text));
  for (const auto& text : roots.write) {
    write_.push_back(root_of(text));
    if (write_.back().place.scheme.starts_with("http"))
      throw Error(ErrorCode::invalid,
                  fmt::format("'{}' cannot be written to: http(s) is for reading", text));
  }
}

AccessRules::~AccessRules() = default;

void AccessRules::check(const std::string& href, Access access) const {
  const Place place = place_of(href);
  const auto admits = [&place](const Root& root) { return root.admits(place); };
  if (std::any_of(write_.begin(), write_.end(), admits)) return;
  if (access == Access::read && std::any_of(read_.begin(), read_.end(), admits)) return;
  std::vector<std::string> known;
  for (const Root& root : write_) known.push_back(root.text);
  if (access == Access::read)
    for (const Root& root : read_) known.push_back(root.text);
  const char* const verb = access == Access::read ? "read" : "written";
  throw denial(href, fmt::format("this place may not be {} here", verb))
      .hint(known.empty()
                ? fmt::format("no place may be {}; start the program with an allowed root", verb)
                : fmt::format("places that may be {}: {}{}", verb, fmt::join(known, ", "),
                              place.has_query ? "; query strings are admitted below those that end "
                                                "in '?'"
                                              : ""));
}

AccessRestriction::AccessRestriction(const AllowedRoots& roots)
    : rules_(std::make_unique<const AccessRules>(roots)) {
  const AccessRules* none = nullptr;
  if (!rules_in_force().compare_exchange_strong(none, rules_.get()))
    throw Error(ErrorCode::internal, "allowed roots are set already");
}

AccessRestriction::~AccessRestriction() {
  rules_in_force().store(nullptr);
}

OwnFolder::OwnFolder(const std::string& path) : path_(resolved(path)) {
  OwnFolders& own = own_folders();
  const std::unique_lock lock(own.mutex);
  own.paths.insert(path_);
}

OwnFolder::~OwnFolder() {
  OwnFolders& own = own_folders();
  const std::unique_lock lock(own.mutex);
  if (const auto found = own.paths.find(path_); found != own.paths.end()) own.paths.erase(found);
}

void check_readable(const std::string& href) {
  check(href, Access::read);
}

void check_writable(const std::string& href) {
  check(href, Access::write);
}

void check_access(const std::string& path, Access access) {
  if (rules_in_force().load(std::memory_order_acquire) == nullptr || is_own(path)) return;
  check(path, access);
}

void check_array_files_admitted(const std::string& path) {
  const AccessRules* rules = rules_in_force().load(std::memory_order_acquire);
  if (rules == nullptr || rules->admits_array_files()) return;
  throw denial(path, "netCDF, HDF5 and Zarr files are not opened here")
      .hint("send GeoTIFF or JPEG 2000; who runs the server may admit these by --array-files");
}

}  // namespace geoloom::gdal
