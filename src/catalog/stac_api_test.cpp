// SPDX-License-Identifier: Apache-2.0
#include "catalog/stac_api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/stac_item.h"
#include "error/error.h"
#include "http/test_server.h"

namespace geoloom::catalog {
namespace {

using http::TestServer;
using nlohmann::json;
using testing::HasSubstr;

json item(const std::string& id) {
  return {{"type", "Feature"},
          {"stac_version", "1.0.0"},
          {"id", id},
          {"properties", {{"datetime", "2023-01-01T00:00:00Z"}}},
          {"assets", json::object()}};
}

// An API of `items` items in pages of two. What it is and does is for tests to change.
class FakeApi {
 public:
  FakeApi() : server_([this](const auto& received) { return answer(received); }) {}

  const std::string& url() const { return server_.url(); }

  size_t items = 5;
  bool post = true, merge = true;
  std::vector<std::string> classes{"https://api.stacspec.org/v1.0.0/item-search"};
  std::vector<std::pair<std::string, json>> requests;  // "POST /search", body
  std::vector<std::string> heads;
  std::function<std::optional<TestServer::Reply>(const TestServer::Received&)> fault;
  std::mutex mutex;

 private:
  TestServer::Reply answer(const TestServer::Received& received) {
    const std::lock_guard lock(mutex);
    const auto line = received.head.substr(0, received.head.find(" HTTP"));
    requests.emplace_back(line, json::parse(received.body, nullptr, false));
    heads.push_back(received.head);
    if (fault)
      if (auto reply = fault(received)) return *reply;
    if (line == "GET /") return TestServer::answer(200, landing().dump());
    if (line.starts_with("POST /search"))
      return post ? TestServer::answer(200, page(requests.back().second).dump())
                  : TestServer::answer(405, "{}");
    if (line.starts_with("GET /search")) return TestServer::answer(200, page_of(line).dump());
    return TestServer::answer(404, R"({"code": "NotFound", "description": "no such thing"})");
  }

  json landing() const {
    json links = {{{"rel", "search"}, {"href", url() + "/search"}, {"method", "GET"}}};
    if (post) links.push_back({{"rel", "search"}, {"href", url() + "/search"}, {"method", "POST"}});
    return {{"type", "Catalog"}, {"conformsTo", classes}, {"links", links}};
  }

  json features_from(size_t first) const {
    json features = json::array();
    for (size_t i = first; i < std::min(items, first + 2); ++i)
      features.push_back(item(fmt::format("i{}", i)));
    return {{"type", "FeatureCollection"}, {"numberMatched", items}, {"features", features}};
  }

  json page(const json& body) const {
    const size_t first = body.value("token", 0);
    json out = features_from(first);
    if (first + 2 >= items) return out;
    json link{{"rel", "next"}, {"href", url() + "/search"}, {"method", "POST"}};
    link["body"] = {{"token", first + 2}};
    if (!merge) link["body"]["collections"] = {"whole"};
    link["merge"] = merge;
    out["links"] = json::array({link});
    return out;
  }

  json page_of(const std::string& line) const {
    const auto at = line.find("token=");
    const size_t first = at == std::string::npos ? 0 : std::stoul(line.substr(at + 6));
    json out = features_from(first);
    if (first + 2 < items)
      out["links"] = {{{"rel", "next"}, {"href", fmt::format("/search?token={}", first + 2)}}};
    return out;
  }

  TestServer server_;
};

class StacApiTest : public testing::Test {
 protected:
  ArchiveClient client(ArchiveAccess access = {}) {
    auto surroundings = http::real_surroundings();
    surroundings.sleep = [this](auto, const auto*) { ++sleeps_; };
    return ArchiveClient(std::move(access), surroundings);
  }
  std::vector<std::string> search(const StacSearch& query = {}) {
    auto asks = client();
    StacApi stac(api_.url() + "/", asks);
    std::vector<std::string> ids;
    report_ = stac.search(
        query, [&](JsonView item, const std::string&) { ids.emplace_back(item["id"].text()); });
    return ids;
  }
  Error error_of(const StacSearch& query = {}) {
    try {
      search(query);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::internal, "");
  }

  FakeApi api_;
  StacSearchReport report_;
  std::atomic<int> sleeps_{0};
};

TEST_F(StacApiTest, PagesByPostMergeTheirBody) {
  StacSearch query;
  query.collections = {"s2"};
  query.period = geo::parse_period("2023");
  query.bbox = geo::Box{1, 2, 3, 4};
  EXPECT_THAT(search(query), testing::ElementsAre("i0", "i1", "i2", "i3", "i4"));
  EXPECT_EQ(report_.pages, 3U);
  EXPECT_EQ(report_.matched, 5U);
  const json& last = api_.requests.back().second;
  EXPECT_EQ(last.at("token"), 4);
  EXPECT_EQ(last.at("collections"), json({"s2"}));
  // Half-open for us, both ends included for the server.
  EXPECT_EQ(last.at("datetime"), "2023-01-01T00:00:00Z/2023-12-31T23:59:59.999Z");
  EXPECT_EQ(last.at("bbox"), json({1.0, 2.0, 3.0, 4.0}));
}

TEST_F(StacApiTest, PagesByPostWithoutMergeAreTakenToTheWord) {
  api_.merge = false;
  StacSearch query;
  query.period = geo::parse_period("2023");
  EXPECT_EQ(search(query).size(), 5U);
  EXPECT_EQ(api_.requests.back().second.dump(), R"({"collections":["whole"],"token":4})");
}

TEST_F(StacApiTest, ByGetWherePostIsNotOffered) {
  api_.post = false;
  EXPECT_EQ(search().size(), 5U);
  EXPECT_EQ(api_.requests.back().first, "GET /search?token=4");
  // An old server that does not say how, and refuses POST.
  api_.classes.clear();
  EXPECT_EQ(search().size(), 5U);
}

TEST_F(StacApiTest, FiltersWhereTheServerCan) {
  StacSearch query;
  query.where = {property_condition("eo:cloud_cover", "< 20"),
                 property_condition("landsat:wrs_path", "eq", json(47))};
  search(query);
  EXPECT_FALSE(report_.filtered_on_server);
  api_.classes.emplace_back("https://api.stacspec.org/v1.0.0/item-search#query");
  search(query);
  EXPECT_TRUE(report_.filtered_on_server);
  EXPECT_EQ(api_.requests.back().second.at("query").dump(), R"({"eo:cloud_cover":{"lt":20.0}})");
  api_.classes.emplace_back("https://api.stacspec.org/v1.0.0-rc.2/item-search#filter");
  search(query);
  EXPECT_EQ(api_.requests.back().second.at("filter-lang"), "cql2-json");
  // A server that promises a filter and refuses it.
  api_.fault = [](const auto& received) -> std::optional<TestServer::Reply> {
    if (received.body.find("filter") == std::string::npos) return std::nullopt;
    return TestServer::answer(400, R"({"detail": "unknown property"})");
  };
  EXPECT_EQ(search(query).size(), 5U);
  EXPECT_FALSE(report_.filtered_on_server);
  EXPECT_THAT(report_.notes.at(0), HasSubstr("unknown property"));
}

TEST_F(StacApiTest, BusyServersAreAskedAgain) {
  int refusals = 0;
  api_.fault = [&](const auto&) -> std::optional<TestServer::Reply> {
    if (++refusals % 2 == 0) return std::nullopt;
    return TestServer::answer(refusals % 4 == 1 ? 503 : 429, "", "Retry-After: 1\r\n");
  };
  EXPECT_EQ(search().size(), 5U);
  EXPECT_EQ(sleeps_.load(), 4);
  api_.fault = [](const auto&) { return TestServer::answer(500, ""); };
  EXPECT_EQ(error_of().code(), ErrorCode::unavailable);
}

TEST_F(StacApiTest, DeniedIsNotMissing) {
  api_.fault = [](const auto&) { return TestServer::answer(403, R"({"message": "no key"})"); };
  const auto denied = error_of();
  EXPECT_EQ(denied.code(), ErrorCode::denied);
  EXPECT_THAT(denied.cause(), HasSubstr("no key"));
  api_.fault = [](const auto&) { return TestServer::answer(404, ""); };
  EXPECT_EQ(error_of().code(), ErrorCode::missing);
}

TEST_F(StacApiTest, TooManyItems) {
  StacSearch query;
  query.most_items = 4;
  const auto error = error_of(query);
  EXPECT_EQ(error.code(), ErrorCode::resource);
  EXPECT_THAT(error.message(), HasSubstr("5 items"));
}

TEST_F(StacApiTest, PagesInACircle) {
  api_.items = 4;
  api_.fault = [this](const auto& received) -> std::optional<TestServer::Reply> {
    if (received.head.starts_with("GET / ")) return std::nullopt;
    json page{{"features", {item("a")}}};
    page["links"] = {{{"rel", "next"}, {"href", api_.url() + "/search?page=1"}}};
    return TestServer::answer(200, page.dump());
  };
  EXPECT_EQ(error_of().code(), ErrorCode::corrupt);
}

TEST_F(StacApiTest, HeadersGoToOneServerOnly) {
  FakeApi other;
  api_.fault = [&](const auto& received) -> std::optional<TestServer::Reply> {
    if (!received.head.starts_with("GET /moved")) return std::nullopt;
    return TestServer::answer(302, "", "Location: " + other.url() + "/\r\n");
  };
  ArchiveAccess access;
  access.headers = {{"Authorization", "Bearer words"}};
  access.origin = api_.url();
  auto asks = client(access);
  asks.get(api_.url() + "/moved");
  EXPECT_THAT(api_.heads.at(0), HasSubstr("Bearer words"));
  EXPECT_THAT(other.heads.at(0), testing::Not(HasSubstr("Bearer")));
}

TEST_F(StacApiTest, Collections) {
  api_.fault = [](const auto& received) -> std::optional<TestServer::Reply> {
    if (!received.head.starts_with("GET /collections HTTP")) return std::nullopt;
    return TestServer::answer(200, R"({"collections": [{"id": "sentinel-2-l2a"}]})");
  };
  auto asks = client();
  StacApi stac(api_.url(), asks);
  try {
    stac.collection("sentinel2-l2a");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing);
    EXPECT_THAT(error.hint(), HasSubstr("sentinel-2-l2a"));
  }
}

TEST_F(StacApiTest, StaticCataloguesOverTheWeb) {
  api_.fault = [](const auto& received) -> std::optional<TestServer::Reply> {
    const auto path = received.head.substr(4, received.head.find(" HTTP") - 4);
    if (path == "/c/catalog.json")
      return TestServer::answer(200, R"({"type": "Catalog", "stac_version": "1.0.0", "links": [
                   {"rel": "item", "href": "b/b.json"}, {"rel": "item", "href": "a.json"},
                   {"rel": "item", "href": "gone.json"}]})");
    auto one = item(path);
    one["assets"]["red"]["href"] = "r.tif";
    return path.find("gone") == std::string::npos ? TestServer::answer(200, one.dump())
                                                  : TestServer::answer(404, "");
  };
  std::vector<std::string> notes;
  auto asks = client();
  const auto scenes = read_stac(api_.url() + "/c/catalog.json", &notes, &asks);
  ASSERT_EQ(scenes.size(), 2U);
  EXPECT_EQ(scenes[0].id, "/c/b/b.json");
  EXPECT_EQ(scenes[0].assets[0].path, "/vsicurl/" + api_.url() + "/c/b/r.tif");
  EXPECT_THAT(notes.at(0), HasSubstr("1 linked documents do not exist"));
  api_.fault = [](const auto&) { return TestServer::answer(403, ""); };
  EXPECT_THROW(read_stac(api_.url() + "/c/catalog.json", &notes, &asks), Error);
}

}  // namespace
}  // namespace geoloom::catalog
