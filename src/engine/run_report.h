// SPDX-License-Identifier: Apache-2.0
// What the report of a run shows, as JSON: bounded in size whatever the number of items. The page
// that draws it is in web/.
#pragma once

#include <string>

#include "engine/item_places.h"
#include "engine/run_facts.h"
#include "store/store.h"

namespace geoloom::engine {

// A picture that the report carries with it.
struct ReportPicture {
  std::string layer, item, media_type, bytes;
};

// Changes when a reader of an older one would misread it.
inline constexpr int kRunReportVersion = 1;

class RunReport {
 public:
  // What does not change while the run goes on is made once. `run` outlives the report.
  RunReport(const workflow::Run& run, std::string store_url);
  // Numbers of one moment. `written` is that moment, RFC 3339. The percentiles of a step are those
  // by nearest rank of the items that this run made; seconds are sums over those items.
  // `metrics` is MetricsSummary's.
  workflow::OrderedJson json(const RunFacts& facts, const std::vector<ReportPicture>& pictures,
                             const workflow::OrderedJson& metrics,
                             const std::string& written) const;

 private:
  workflow::OrderedJson steps_json(const RunFacts& facts) const;
  workflow::OrderedJson step_json(size_t step, const StepFacts& facts) const;

  const workflow::Run& run_;
  std::string store_url_;
  std::string places_;  // item_places(), compressed
};

// The whole page: one file without references to others. Whatever stands in the JSON is data to it:
// no text can end the element that holds it.
std::string run_report_page(const workflow::OrderedJson& report);

// zlib's format, in Base64: what a page unpacks by itself.
std::string compressed(const std::string& text);

}  // namespace geoloom::engine
