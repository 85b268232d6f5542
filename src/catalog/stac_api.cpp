// SPDX-License-Identifier: Apache-2.0
#include "catalog/stac_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "catalog/href.h"
#include "error/error.h"
#include "error/spelling.h"
#include "http/url.h"

namespace geoloom::catalog {
namespace {

using nlohmann::json;

// A request for a page, as JSON so that `next` links can be merged into it:
// {"method", "url", "body" (POST) or "query" (GET, name -> text), "headers"}.
using PageRequest = json;

// An href of a link made absolute.
std::string absolute(const std::string& base, const std::string& href) {
  if (href.starts_with("http://") || href.starts_with("https://")) return href;
  const auto origin = http::parse_url(base).origin();
  if (href.starts_with('/')) return origin + href;
  return resolve_href(without_query(base), href);
}

std::string trimmed(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  constexpr std::string_view kSearch = "/search";
  if (url.ends_with(kSearch)) url.resize(url.size() - kSearch.size());
  return url;
}

std::vector<JsonView> links_of(JsonView document) {
  return document["links"].elements();
}

std::string box_text(const geo::Box& box) {
  return fmt::format("{},{},{},{}", box.min_x, box.min_y, box.max_x, box.max_y);
}

std::string datetime_of(const geo::Period& period) {
  return geo::format_time(period.start) + "/" + geo::format_time(period.end - 1);
}

json search_body(const StacSearch& search) {
  json body{{"limit", search.page_items}};
  if (!search.collections.empty()) body["collections"] = search.collections;
  if (search.period) body["datetime"] = datetime_of(*search.period);
  if (search.intersects)
    body["intersects"] = *search.intersects;
  else if (search.bbox)
    body["bbox"] = {search.bbox->min_x, search.bbox->min_y, search.bbox->max_x, search.bbox->max_y};
  return body;
}

json search_query(const StacSearch& search) {
  json query{{"limit", std::to_string(search.page_items)}};
  if (!search.collections.empty())
    query["collections"] = fmt::format("{}", fmt::join(search.collections, ","));
  if (search.period) query["datetime"] = datetime_of(*search.period);
  if (search.intersects)
    query["intersects"] = search.intersects->dump();
  else if (search.bbox)
    query["bbox"] = box_text(*search.bbox);
  return query;
}

std::string address_of(const PageRequest& request) {
  auto url = request.at("url").get<std::string>();
  char joint = url.find('?') == std::string::npos ? '?' : '&';
  const json query = request.value("query", json::object());
  for (const auto& [name, value] : query.items()) {
    url += joint + name + "=" + http::percent_encode(value.get<std::string>());
    joint = '&';
  }
  return url;
}

// The request for the page after this one; nullopt at the end.
std::optional<PageRequest> next_of(JsonView page, const PageRequest& request) {
  for (const JsonView& link : links_of(page)) {
    const std::string href(link["href"].text());
    if (link["rel"].text() != "next" || href.empty()) continue;
    PageRequest next{{"method", "GET"},
                     {"url", absolute(request.at("url").get<std::string>(), href)}};
    if (link["method"].text() != "POST") return next;
    next["method"] = "POST";
    const JsonView body = link["body"];
    const bool merged = link["merge"].is_true();
    next["body"] = merged || !body ? request.value("body", json::object()) : json::object();
    if (body.is_object()) next["body"].update(body.tree());
    return next;
  }
  return std::nullopt;
}

std::optional<size_t> matched_of(JsonView page) {
  const auto number =
      first_number({{page, "numberMatched"}, {page["context"], "matched"}, {page, "numMatched"}});
  if (!number || *number < 0 || *number > 1e12) return std::nullopt;
  return static_cast<size_t>(*number);
}

std::string address_of_item(JsonView item, const std::string& otherwise) {
  for (const JsonView& link : links_of(item)) {
    if (link["rel"].text() != "self") continue;
    const auto href = link["href"].text();
    if (href.starts_with("http://") || href.starts_with("https://")) return std::string(href);
  }
  return otherwise;
}

}  // namespace

struct StacApi::Page {
  PageRequest request;
  JsonDocument document;
};

bool is_stac_api(JsonView landing) {
  const auto links = links_of(landing);
  return landing["conformsTo"] || std::any_of(links.begin(), links.end(), [](const JsonView& link) {
           return link["rel"].text() == "search";
         });
}

StacApi::StacApi(const std::string& url, ArchiveClient& client)
    : url_(trimmed(web_address(url))), client_(client) {
  const JsonDocument document = client_.get(url_);
  const JsonView landing = document.root();
  if (!is_stac_api(landing))
    throw Error(ErrorCode::invalid, fmt::format("{} is not a STAC API: it offers no search", url_));
  title_ = landing["title"].text();
  for (const JsonView& each : landing["conformsTo"].elements())
    if (each.is_text()) conformance_.emplace(each.text());
  collections_ = url_ + "/collections";
  bool named = false;
  for (const JsonView& link : links_of(landing)) {
    const std::string rel(link["rel"].text()), href(link["href"].text());
    if (href.empty()) continue;
    if (rel == "data") collections_ = absolute(url_ + "/", href);
    if (rel != "search") continue;
    named = true;
    auto& place = link["method"].text() == "POST" ? search_post_ : search_get_;
    place = absolute(url_ + "/", href);
  }
  // Servers before 1.0 have one link without a method; by POST is tried, and given up on 405.
  if (search_get_.empty()) search_get_ = search_post_.empty() ? url_ + "/search" : search_post_;
  if (search_post_.empty() && (!named || conformance_.empty())) search_post_ = search_get_;
}

bool StacApi::conforms_to(std::string_view part) const {
  return std::any_of(conformance_.begin(), conformance_.end(),
                     [&](const std::string& each) { return each.find(part) != std::string::npos; });
}

void StacApi::check_features(const JsonDocument& page) const {
  if (!page.root()["features"].is_array())
    throw Error(ErrorCode::corrupt, fmt::format("{} answers a search without features", url_));
}

// `used` is a page that was read: its memory serves this one.
StacApi::Page StacApi::fetch(PageRequest request, JsonDocument used) {
  const auto url = address_of(request);
  const bool post = request.at("method") == "POST";
  used.read(post ? client_.post_text(url, request.at("body").dump()) : client_.get_text(url),
            web_address(url));
  check_features(used);
  return {std::move(request), std::move(used)};
}

StacApi::Page StacApi::first_page(const StacSearch& search,
                                  const std::vector<PropertyCondition>& pushed) {
  const bool cql2 = conforms_to("item-search#filter");
  if (!search_post_.empty()) {
    json body = search_body(search);
    if (!pushed.empty() && cql2) {
      body["filter-lang"] = "cql2-json";
      body["filter"] = cql2_json(pushed);
    } else if (!pushed.empty()) {
      body["query"] = query_json(pushed);
    }
    http::Request request;
    request.method = "POST";
    request.url = search_post_;
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/geo+json"}};
    request.body = body.dump();
    const auto response = client_.send(request);
    const bool not_offered =
        response.status == 404 || response.status == 405 || response.status == 501;
    if (!not_offered) {
      ArchiveClient::check(response, search_post_);
      Page page{{{"method", "POST"}, {"url", search_post_}, {"body", body}},
                JsonDocument(response.body, search_post_)};
      check_features(page.document);
      return page;
    }
    search_post_.clear();
  }
  json query = search_query(search);
  if (!pushed.empty() && cql2) {
    query["filter-lang"] = "cql2-text";
    query["filter"] = cql2_text(pushed);
  } else if (!pushed.empty()) {
    query["query"] = query_json(pushed).dump();
  }
  return fetch({{"method", "GET"}, {"url", search_get_}, {"query", query}}, {});
}

std::optional<size_t> StacApi::count(const StacSearch& search) {
  StacSearch one = search;
  one.page_items = 1;
  return matched_of(first_page(one, {}).document.root());
}

StacSearchReport StacApi::search(const StacSearch& search, const TakeItem& take) {
  StacSearchReport report;
  std::vector<PropertyCondition> pushed;
  if (conforms_to("item-search#filter") || conforms_to("item-search#query"))
    std::copy_if(search.where.begin(), search.where.end(), std::back_inserter(pushed),
                 same_on_servers);
  Page page;
  try {
    if (!pushed.empty()) report.matched = count(search);
    page = first_page(search, pushed);
    report.filtered_on_server = !pushed.empty();
  } catch (const Error& error) {
    if (pushed.empty() || error.code() != ErrorCode::invalid) throw;
    report.notes.push_back(
        fmt::format("{} refuses the filter ({}); filtered here", url_, error.cause()));
    page = first_page(search, {});
  }
  const auto matched = matched_of(page.document.root());
  if (!report.filtered_on_server) report.matched = matched;
  const auto too_many = [&](const std::string& how_many) {
    return Error(ErrorCode::resource, fmt::format("{} has {} items for this search, more than {}",
                                                  url_, how_many, search.most_items))
        .hint("narrow the area or the period, filter with `where`, or raise `most_items`");
  };
  if (matched && *matched > search.most_items) throw too_many(std::to_string(*matched));
  std::set<std::string> asked{page.request.dump()};
  JsonDocument used;
  for (;;) {
    ++report.pages;
    auto next = next_of(page.document.root(), page.request);
    const auto features = page.document.root()["features"].elements();
    // A page without items ends what some servers continue for ever.
    if (features.empty()) next.reset();
    if (next && !asked.insert(next->dump()).second)
      throw Error(ErrorCode::corrupt, fmt::format("{} sends the same page again and again", url_));
    std::future<Page> coming;
    if (next && report.items + features.size() <= search.most_items)
      coming = std::async(std::launch::async,
                          [this, request = std::move(*next), memory = std::move(used)]() mutable {
                            return fetch(std::move(request), std::move(memory));
                          });
    const auto base = page.request.at("url").get<std::string>();
    for (const JsonView& item : features) {
      if (++report.items > search.most_items) throw too_many("at least that many");
      take(item, address_of_item(item, base));
    }
    if (!coming.valid()) break;
    used = std::exchange(page, coming.get()).document;
  }
  return report;
}

std::vector<std::string> StacApi::collection_ids() {
  std::vector<std::string> ids;
  std::set<std::string> asked;
  for (std::optional<PageRequest> request = PageRequest{{"method", "GET"}, {"url", collections_}};
       request && asked.insert(request->dump()).second;) {
    const JsonDocument page = client_.get(address_of(*request));
    for (const JsonView& each : page.root()["collections"].elements())
      if (const auto id = each["id"].text(); !id.empty()) ids.emplace_back(id);
    request = next_of(page.root(), *request);
    if (request && request->at("method") != "GET") request.reset();
  }
  return ids;
}

json StacApi::collection(const std::string& id) {
  try {
    return client_.get(without_query(collections_) + "/" + http::percent_encode(id)).root().tree();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;
    throw Error(ErrorCode::missing, fmt::format("{} has no collection '{}'", url_, id))
        .hint(spelling_hint(id, collection_ids()));
  }
}

}  // namespace geoloom::catalog
