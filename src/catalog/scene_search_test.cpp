// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/href.h"
#include "error/error.h"
#include "gdal/geotiff_writer.h"
#include "raster/test_folder.h"

namespace geoloom::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class SceneSearch : public testing::Test {
 protected:
  static void SetUpTestSuite() { gdal::initialise(); }

  // A small image; bands without a name are called by the writer's default.
  std::string image(std::string_view name, const std::vector<std::string>& bands = {"VV", "VH"}) {
    std::string path = folder_.write(name, "");
    gdal::ScratchWriter::Options options;
    for (const std::string& band : bands) options.bands.push_back({band, "", 1, 0, ""});
    gdal::ScratchWriter writer(path, {geo::Crs::parse("EPSG:32631"), 0, 0, 10, 10, 2, 2}, options);
    writer.close();
    return path;
  }
  std::string item(const std::string& name, const std::string& id, const std::string& datetime,
                   const std::string& href) {
    return folder_.write(name, R"({"type": "Feature", "stac_version": "1.0.0", "id": ")" + id +
                                   R"(", "collection": "c", "properties": {"datetime": ")" +
                                   datetime + R"("}, "assets": {"red": {"href": ")" + href +
                                   R"("}}})");
  }
  SceneList find(const std::vector<std::string>& names) {
    SceneQuery query;
    for (const std::string& name : names) query.from.push_back(folder_ / name);
    return find_scenes(query);
  }
  Error error_of(const std::vector<std::string>& names) {
    try {
      find(names);
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::internal, "");
  }
  static std::vector<std::string> ids(const SceneList& list) {
    std::vector<std::string> result;
    for (const Scene& scene : list.scenes) result.push_back(scene.id);
    return result;
  }

  TestFolder folder_;
};

TEST_F(SceneSearch, FoldersInTimeOrderWithTheFirstHeadersBands) {
  image("s/B_20180301.tif");
  image("s/a_2018-05-02.TIFF");
  image("s/A_20180301T101112.JP2");
  image("s/sub/C_20170101.tif");
  folder_.write("s/.hidden_20180101.tif", "");
  folder_.write("s/B_20180301.tif.aux.xml", "");
  const SceneList list = find({"s"});
  EXPECT_THAT(ids(list), ElementsAre("B_20180301", "A_20180301T101112", "a_2018-05-02"));
  EXPECT_THAT(list.report.after_filter, ElementsAre(Pair("found", 3)));
  for (const Scene& scene : list.scenes) {
    EXPECT_THAT(band_names_of(scene), ElementsAre("VV", "VH"));
  }
  EXPECT_EQ(list.scenes[1].time, geo::parse_time("2018-03-01T10:11:12Z"));
}

TEST_F(SceneSearch, FoldersBelowOnlyWhenThereIsNothingAbove) {
  image("s/2018/a_20180301.tif");
  image("s/2019/x/b_20190301.tif");
  EXPECT_THAT(ids(find({"s"})), ElementsAre("a_20180301", "b_20190301"));
}

TEST_F(SceneSearch, FoldersWithStacAreReadAsStac) {
  image("s/a_20180301.tif");
  item("s/items/one.json", "one", "2018-01-01T00:00:00Z", "../a_20180301.tif");
  folder_.write("s/catalog.json", R"({"type": "Catalog", "id": "c", "links": [
      {"rel": "item", "href": "./items/one.json"}, {"rel": "item", "href": "gone.json"}]})");
  const SceneList list = find({"s"});
  EXPECT_THAT(ids(list), ElementsAre("one"));
  EXPECT_EQ(list.scenes[0].assets[0].path, folder_ / "s/a_20180301.tif");
  ASSERT_EQ(list.report.notes.size(), 1U);
  EXPECT_THAT(list.report.notes[0], HasSubstr("gone.json"));
}

TEST_F(SceneSearch, Globs) {
  image("s/a_20180301.tif");
  image("s/b_20180302.tif");
  image("s/x/c_20180303.tif");
  folder_.write("s/d_20180304.txt", "");
  EXPECT_THAT(ids(find({"s/[ab]_*"})), ElementsAre("a_20180301", "b_20180302"));
  EXPECT_THAT(ids(find({"s/**/*_201803??.tif"})),
              ElementsAre("a_20180301", "b_20180302", "c_20180303"));
  EXPECT_THAT(ids(find({"*/x/*.tif"})), ElementsAre("c_20180303"));
  EXPECT_EQ(error_of({"s/q*.tif"}).code(), ErrorCode::missing);
}

TEST_F(SceneSearch, ListsKeepTheirOrder) {
  image("s/b_20180302.tif");
  image("s/a_20180301.tif");
  folder_.write("s/list.txt",
                "\xEF\xBB\xBF# later first\r\nb_20180302.tif\r\n\r\n  a_20180301.tif  \n");
  EXPECT_THAT(ids(find({"s/list.txt"})), ElementsAre("b_20180302", "a_20180301"));
  folder_.write("list.csv", "path,date\n\"s/b_20180302.tif\",1\n" + folder_ / "s/a_20180301.tif");
  EXPECT_THAT(ids(find({"list.csv"})), ElementsAre("b_20180302", "a_20180301"));
  EXPECT_THAT(ids(find({"list.csv", "s/a_20180301.tif"})), ElementsAre("a_20180301", "b_20180302"));
}

TEST_F(SceneSearch, ListErrorsHaveALine) {
  image("a_20180301.tif");
  folder_.write("list.txt", "a_20180301.tif\n\na_20180302.tif\n");
  const Error e = error_of({"list.txt"});
  EXPECT_EQ(e.code(), ErrorCode::missing);
  EXPECT_EQ(e.place().file, folder_ / "list.txt");
  EXPECT_EQ(e.place().line, 3);
  EXPECT_THAT(e.hint(), HasSubstr("a_20180301.tif"));
  folder_.write("list.txt", "\n.\n");
  EXPECT_EQ(error_of({"list.txt"}).place().line, 2);
}

TEST_F(SceneSearch, MissingAndEmptyPlaces) {
  image("scenes/a_20180301.tif");
  const Error e = error_of({"scnes"});
  EXPECT_EQ(e.code(), ErrorCode::missing);
  EXPECT_EQ(error_of({"no/such/folder"}).code(), ErrorCode::missing);
  folder_.write("empty/readme.md", "");
  EXPECT_EQ(error_of({"empty"}).code(), ErrorCode::invalid);
  folder_.write("empty.txt", "# nothing\n");
  EXPECT_EQ(error_of({"empty.txt"}).code(), ErrorCode::invalid);
}

TEST_F(SceneSearch, PeriodsAndScenesWithoutTime) {
  image("s/a_20180301.tif");
  image("s/b_20180401.tif");
  image("s/plain.tif");
  SceneQuery query;
  query.from = {folder_ / "s"};
  query.period = geo::parse_period("2018-03");
  const SceneList list = find_scenes(query);
  EXPECT_THAT(ids(list), ElementsAre("a_20180301"));
  ASSERT_EQ(list.report.after_filter.size(), 2U);
  EXPECT_THAT(list.report.after_filter[0], Pair("found", 3));
  EXPECT_THAT(list.report.after_filter[1], Pair("in " + geo::format_period(*query.period), 1));
  EXPECT_THAT(list.report.notes, ElementsAre(HasSubstr("without time")));
  query.period = geo::parse_period("2020");
  EXPECT_THAT(find_scenes(query).scenes, testing::IsEmpty());
}

TEST_F(SceneSearch, DatePatterns) {
  image("s/doy2018060_x.tif");
  SceneQuery query;
  query.from = {folder_ / "s"};
  query.date_pattern = "doy%Y%j";
  EXPECT_EQ(find_scenes(query).scenes[0].time, geo::parse_time("2018-03-01"));
  query.date_pattern = "%Y-%m-%d";
  EXPECT_THROW(find_scenes(query), Error);
}

TEST_F(SceneSearch, DatesAreRunsOfDigitsOfTheirOwn) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857", "2019-02-12T19:26:51Z"},
      {"LC08_L1TP_013032_20180131_20180207_01_T1", "2018-01-31"},
      {"NDVI_20150711100008", "2015-07-11T10:00:08Z"},
      {"TERRA_MODIS_012010_NDVI_2013-09-14", "2013-09-14"},
      {"openEO_2023-06-01Z", "2023-06-01"},
      {"x_120180131_20180202", "2018-02-02"},
      {"x_20181331_20180203", "2018-02-03"},
      {"20180204", "2018-02-04"}};
  for (const auto& [name, time] : cases) {
    const SceneList list = find_scenes({{image("d/" + name + ".tif")}, "", {"a"}, {}, false});
    EXPECT_EQ(list.scenes[0].time, geo::parse_time(time)) << name;
    EXPECT_THAT(band_names_of(list.scenes[0]), ElementsAre("a")) << "names given by the user";
  }
  for (const char* name : {"scene_1", "x_201801311", "1234"}) {
    EXPECT_FALSE(find_scenes({{image(std::string("d/") + name + ".tif")}, "", {"a"}, {}, false})
                     .scenes[0]
                     .time);
  }
}

TEST_F(SceneSearch, DuplicatesAreDroppedAndClashesRefused) {
  image("s/a_20180301.tif");
  image("t/a_20180301.tif");
  const SceneList list = find({"s", "s/a_20180301.tif", "s/*.tif"});
  EXPECT_EQ(list.scenes.size(), 1U);
  EXPECT_THAT(list.report.notes, ElementsAre(HasSubstr("2 duplicates")));
  const Error e = error_of({"s", "t"});
  EXPECT_EQ(e.code(), ErrorCode::invalid);
  EXPECT_THAT(e.message(), HasSubstr("t/a_20180301.tif"));
}

TEST_F(SceneSearch, AnUnreadableFirstFileDoesNotHideTheBands) {
  folder_.write("s/a_20180301.tif", "not an image");
  image("s/b_20180302.tif");
  const SceneList list = find({"s"});
  EXPECT_EQ(list.scenes.size(), 2U);
  EXPECT_THAT(band_names_of(list.scenes[0]), ElementsAre("VV", "VH"));
  EXPECT_THAT(list.report.notes, ElementsAre(HasSubstr("a_20180301")));
  folder_.write("u/a_20180301.tif", "not an image");
  EXPECT_THROW(find({"u"}), Error);
}

TEST(FindBand, NamesThenCommonNamesThenKeys) {
  Scene scene;
  scene.id = "s";
  scene.assets.push_back({"nir", "", "", {{1, "B08", "nir", {}, {}, {}}}, "", {}});
  scene.assets.push_back({"scl", "", "", {{1, "SCL", "", {}, {}, {}}}, "", {}});
  scene.assets.push_back(
      {"visual", "", "", {{1, "B04", "red", {}, {}, {}}, {2, "nir", "", {}, {}, {}}}, "", {}});
  const auto at = [&](const std::string& name) {
    const BandPlace place = find_band(scene, name);
    return std::pair(place.asset, place.band);
  };
  EXPECT_EQ(at("B08"), std::pair(size_t{0}, size_t{0}));
  EXPECT_EQ(at("nir"), std::pair(size_t{2}, size_t{1})) << "a name goes before a common name";
  EXPECT_EQ(at("red"), std::pair(size_t{2}, size_t{0}));
  EXPECT_EQ(at("scl"), std::pair(size_t{1}, size_t{0}));
  EXPECT_EQ(at("b04"), std::pair(size_t{2}, size_t{0}));
  try {
    find_band(scene, "B09");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid);
    EXPECT_THAT(e.hint(), HasSubstr("B08"));
    EXPECT_EQ(e.place().scene, "s");
  }
  EXPECT_THROW(find_band(scene, ""), Error);
}

}  // namespace
}  // namespace geoloom::catalog
