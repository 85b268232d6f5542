// SPDX-License-Identifier: Apache-2.0
#include "gdal/vector_file.h"
#include "ops/assess/sample_design.h"
#include "ops/op_test.h"
#include "workflow/item_task.h"

namespace geoloom::ops {

std::unique_ptr<workflow::Op> make_assess();

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// As `design` writes it, with labels.
class AssessTest : public testing::Test {
 protected:
  struct Row {
    std::string stratum, mapped, label;
    int times = 1;
  };

  void write(const std::vector<Row>& rows, const std::string& design) {
    std::remove(file_.c_str());
    gdal::VectorWriter writer(file_);
    writer.begin_layer("sample", geo::Crs::parse("EPSG:32631"),
                       {{"stratum"}, {"mapped"}, {"label"}, {"design"}});
    for (const auto& row : rows)
      for (int i = 0; i < row.times; ++i)
        writer.add(gdal::Geometry::from_wkt("POINT (600005 4999995)"),
                   {row.stratum, row.mapped, row.label, design});
    writer.close();
  }

  workflow::Metrics assess(const std::string& more = "") {
    const auto op = bound<workflow::ItemTaskOp>(make_assess(), "{file: " + file_ + more + "}");
    workflow::FreezeReport report;
    const auto work = op->open(op->freeze({}, report), {});
    workflow::TaskContext context;
    context.scratch_folder = folder_.path();
    context.notes = &notes_;
    return *work->run(context)->metrics;
  }
  static double number(const workflow::Metrics& metrics, const std::string& name) {
    return std::get<double>(metrics.scalars.at(name).value);
  }

  TestFolder folder_;
  const std::string file_ = folder_ / "labels.gpkg";
  std::vector<std::string> notes_;
};

std::string design_text(bool by_class = true) {
  // Olofsson et al. 2014, section 5: pixels of 30 m.
  const std::vector<std::string> names{"deforestation", "gain", "forest", "other"};
  SampleDesign design{"map", by_class, 1, names, {}};
  const uint64_t units[] = {200'000, 150'000, 3'200'000, 6'450'000};
  const uint64_t sampled[] = {75, 75, 165, 325};
  for (size_t i = 0; i < 4; ++i)
    design.strata.push_back({names[i], units[i], sampled[i], static_cast<double>(units[i]) * 900});
  return design.text();
}

std::vector<std::vector<int>> kCounts{
    {66, 0, 5, 4}, {0, 55, 8, 12}, {1, 0, 153, 11}, {2, 1, 9, 313}};

TEST_F(AssessTest, WorkedExampleOfOlofsson) {
  const std::vector<std::string> names{"deforestation", "gain", "forest", "other"};
  std::vector<Row> rows;
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = 0; j < 4; ++j) rows.push_back({names[i], names[i], names[j], kCounts[i][j]});
  write(rows, design_text());
  const auto metrics = assess();
  EXPECT_NEAR(number(metrics, "accuracy"), 0.947, 0.0005);
  EXPECT_NEAR(number(metrics, "deforestation.hectares"), 21'158, 1);
  EXPECT_NEAR(number(metrics, "deforestation.hectares_95"), 6'158, 2);
  EXPECT_NEAR(number(metrics, "other.users"), 0.963, 0.0005);
  EXPECT_EQ(std::get<std::string>(metrics.scalars.at("method").value), "Olofsson 2014");
  EXPECT_TRUE(metrics.scalars.at("sample_agreement").absent());
  EXPECT_EQ(metrics.matrices.at("counts").values[0], 66);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(AssessTest, LabelsMayBeValuesAndUnknownToTheMap) {
  SampleDesign design{"map", true, 1, {"crop", "2"}, {{"crop", 1000, 4, 1e5}, {"2", 4000, 4, 4e5}}};
  write({{"crop", "crop", "1", 2},
         {"crop", "crop", "fallow"},
         {"crop", "crop", "unsure"},
         {"2", "2", "2", 3},
         {"2", "2", ""}},
        design.text());
  const auto metrics = assess(", classes: {1: crop}, ignore: [unsure]");
  EXPECT_NEAR(number(metrics, "accuracy"), 0.2 * 2 / 3 + 0.8, 1e-12);
  EXPECT_NEAR(number(metrics, "fallow.hectares"), 50 * 0.2 / 3, 1e-9);
  EXPECT_EQ(std::get<int64_t>(metrics.scalars.at("unlabelled").value), 2);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("2 units have no label")));
}

TEST_F(AssessTest, OtherStrata) {
  SampleDesign design{
      "map", false, 1, {"a", "b"}, {{"north", 100, 3, 1e4}, {"south", 300, 3, 3e4}}};
  write({{"north", "a", "a", 2}, {"north", "b", "a"}, {"south", "b", "b", 2}, {"south", "a", "b"}},
        design.text());
  const auto metrics = assess();
  EXPECT_EQ(std::get<std::string>(metrics.scalars.at("method").value), "Stehman 2014");
  EXPECT_NEAR(number(metrics, "accuracy"), 2.0 / 3, 1e-12);
  EXPECT_NEAR(number(metrics, "a.area_share"), 0.25, 1e-12);
}

TEST_F(AssessTest, WithoutADesignThereIsNoMapAccuracy) {
  write({{"a", "a", "a", 5}, {"a", "a", "b", 5}}, "");
  const auto metrics = assess();
  EXPECT_TRUE(metrics.scalars.at("accuracy").absent());
  EXPECT_EQ(metrics.scalars.count("a.hectares"), 0U);
  EXPECT_EQ(std::get<std::string>(metrics.scalars.at("method").value), "none");
  EXPECT_NEAR(number(metrics, "sample_agreement"), 0.5, 1e-12);
  EXPECT_THAT(notes_, Contains(HasSubstr("no map accuracy and no areas")));
}

TEST_F(AssessTest, MoreUnitsThanWereDrawnAreNoDesign) {
  SampleDesign design{"map", true, 1, {"a"}, {{"a", 100, 3, 1e4}}};
  write({{"a", "a", "a", 4}}, design.text());
  EXPECT_TRUE(assess().scalars.at("accuracy").absent());
  EXPECT_THAT(notes_, Contains(HasSubstr("more units than were drawn")));
}

TEST_F(AssessTest, ASingleUnitGivesNoInterval) {
  SampleDesign design{"map", true, 1, {"a", "b"}, {{"a", 100, 1, 1e4}, {"b", 100, 9, 1e4}}};
  write({{"a", "a", "a"}, {"b", "b", "b", 8}, {"b", "b", "a"}}, design.text());
  const auto metrics = assess();
  EXPECT_FALSE(metrics.scalars.at("accuracy").absent());
  EXPECT_TRUE(metrics.scalars.at("accuracy_error").absent());
  EXPECT_THAT(notes_, Contains(HasSubstr("single labelled unit")));
}

TEST_F(AssessTest, RefusesWhatIsNoLabelledFile) {
  write({{"a", "a", ""}}, design_text());
  EXPECT_THAT(error_of([&] { assess(); }, ErrorCode::empty), HasSubstr("none of the 1 units"));
  write({{"elsewhere", "a", "a"}}, design_text());
  EXPECT_THAT(error_of([&] { assess(); }), HasSubstr("no stratum 'elsewhere'"));
  EXPECT_THAT(error_of([&] { assess(", label: lable"); }), HasSubstr("columns 'lable'"));
  write({{"forest", "gain", "gain"}}, design_text());
  EXPECT_THAT(error_of([&] { assess(); }), HasSubstr("is mapped as 'gain'"));
  write({{"a", "a", "a"}}, "someone wrote this");
  EXPECT_THAT(error_of([&] { assess(); }), HasSubstr("column 'design'"));
}

}  // namespace
}  // namespace geoloom::ops
