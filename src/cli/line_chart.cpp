// SPDX-License-Identifier: Apache-2.0
// A chart becomes a list of strokes, dots and texts; SVG and pixels are two ways to write these
// down.
#include "cli/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/bitmap_text.h"

namespace geoloom::cli {
namespace {

// Told apart by people with any colour vision: Okabe and Ito, "Color universal design" (2008).
constexpr std::array<std::array<uint8_t, 3>, 7> kLineColours{{{0, 114, 178},
                                                              {213, 94, 0},
                                                              {0, 158, 115},
                                                              {204, 121, 167},
                                                              {230, 159, 0},
                                                              {86, 180, 233},
                                                              {60, 60, 60}}};
constexpr std::array<uint8_t, 3> kInk{40, 40, 40}, kFaint{221, 221, 221};
constexpr double kLeft = 64, kRight = 16, kTop = 40, kBottom = 34;
constexpr double kDay_ms = 86400000;

using Ink = std::array<uint8_t, 3>;
enum class Anchor { start, middle, end };

struct Drawing {
  struct Stroke {
    double x1, y1, x2, y2, thickness;
    Ink ink;
  };
  struct Dot {
    double x, y, radius;
    Ink ink;
  };
  struct Text {
    double x, y;  // of its baseline
    Anchor anchor;
    std::string text;
    Ink ink;
  };
  std::vector<Stroke> strokes;
  std::vector<Dot> dots;
  std::vector<Text> texts;
};

struct TimeTick {
  geo::TimeMs time;
  std::string text;
};

// Years, months or days, whichever gives a handful.
std::vector<TimeTick> time_ticks(const geo::Period& span) {
  constexpr double kMonth_days = 30.44, kYear_days = 365.25;
  const double days = static_cast<double>(span.end - span.start) / kDay_ms;
  constexpr double kMost = 8;
  geo::Frequency step{geo::Frequency::Unit::year, 1};
  if (days <= kMost) {
    step = {geo::Frequency::Unit::day, 1};
  } else if (days <= kMost * kMonth_days / 2) {
    step = {geo::Frequency::Unit::day, static_cast<int>(std::ceil(days / kMost))};
  } else if (days <= 2.5 * kYear_days) {
    step.unit = geo::Frequency::Unit::month;
    for (const int months : {1, 2, 3, 6}) {
      step.count = months;
      if (days / (months * kMonth_days) <= kMost) break;
    }
  } else {
    step.count = static_cast<int>(std::ceil(days / kYear_days / kMost));
  }
  const size_t length = step.unit == geo::Frequency::Unit::year    ? 4
                        : step.unit == geo::Frequency::Unit::month ? 7
                                                                   : 10;
  std::vector<TimeTick> ticks;
  for (const auto& cell : geo::split(span, step))
    if (cell.start >= span.start && cell.start <= span.end)
      ticks.push_back({cell.start, geo::format_date(cell.start).substr(0, length)});
  return ticks;
}

class ChartDrawing {
 public:
  explicit ChartDrawing(const LineChart& chart) : chart_(chart) {
    find_ranges();
    draw_axes();
    for (size_t i = 0; i < chart_.lines.size(); ++i) draw_line(i);
    draw_names();
  }
  Drawing take() { return std::move(drawing_); }

 private:
  void find_ranges() {
    double low = HUGE_VAL, high = -HUGE_VAL;
    bool any = false;
    for (const auto& line : chart_.lines) {
      for (const auto& point : line.points) {
        low = std::min(low, point.value - point.spread);
        high = std::max(high, point.value + point.spread);
        span_.start = any ? std::min(span_.start, point.time) : point.time;
        span_.end = any ? std::max(span_.end, point.time) : point.time;
        any = true;
      }
    }
    if (!any) low = 0, high = 1;
    if (!(low < high)) low -= 0.5, high += 0.5;
    ticks_ = round_ticks(low, high, 5);
    if (span_.start == span_.end) {
      span_.start -= static_cast<geo::TimeMs>(kDay_ms);
      span_.end += static_cast<geo::TimeMs>(kDay_ms);
    }
  }

  double x_of(geo::TimeMs time) const {
    const double share =
        static_cast<double>(time - span_.start) / static_cast<double>(span_.end - span_.start);
    return kLeft + share * (static_cast<double>(chart_.width) - kLeft - kRight);
  }
  double y_of(double value) const {
    const double share = (value - ticks_.front()) / (ticks_.back() - ticks_.front());
    return static_cast<double>(chart_.height) - kBottom -
           share * (static_cast<double>(chart_.height) - kTop - kBottom);
  }

  void draw_axes() {
    const double right = static_cast<double>(chart_.width) - kRight;
    const double bottom = static_cast<double>(chart_.height) - kBottom;
    for (const double tick : ticks_) {
      const double y = y_of(tick);
      drawing_.strokes.push_back({kLeft, y, right, y, 1, kFaint});
      drawing_.texts.push_back({kLeft - 6, y + 4, Anchor::end, fmt::format("{:.6g}", tick), kInk});
    }
    for (const auto& tick : time_ticks(span_)) {
      const double x = x_of(tick.time);
      drawing_.strokes.push_back({x, bottom, x, bottom + 5, 1, kInk});
      drawing_.texts.push_back({x, bottom + 19, Anchor::middle, tick.text, kInk});
    }
    drawing_.strokes.push_back({kLeft, bottom, right, bottom, 1, kInk});
    drawing_.texts.push_back({kLeft, 16, Anchor::start, chart_.title, kInk});
  }

  void draw_line(size_t index) {
    const auto& ink = kLineColours[index % kLineColours.size()];
    const auto& points = chart_.lines[index].points;
    for (size_t i = 0; i < points.size(); ++i) {
      const double x = x_of(points[i].time), y = y_of(points[i].value);
      if (points[i].spread > 0)
        drawing_.strokes.push_back({x, y_of(points[i].value - points[i].spread), x,
                                    y_of(points[i].value + points[i].spread), 1, ink});
      if (i > 0)
        drawing_.strokes.push_back(
            {x_of(points[i - 1].time), y_of(points[i - 1].value), x, y, 1.5, ink});
      drawing_.dots.push_back({x, y, 2.5, ink});
    }
  }

  void draw_names() {
    double x = kLeft;
    for (size_t i = 0; i < chart_.lines.size(); ++i) {
      const auto& ink = kLineColours[i % kLineColours.size()];
      drawing_.strokes.push_back({x, 28, x + 14, 28, 2, ink});
      drawing_.texts.push_back({x + 18, 32, Anchor::start, chart_.lines[i].name, ink});
      x += 30 + 7 * static_cast<double>(chart_.lines[i].name.size());
    }
  }

  const LineChart& chart_;
  Drawing drawing_;
  geo::Period span_;
  std::vector<double> ticks_;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ')
      out += c;
  }
  return out;
}

std::string colour(const Ink& ink) {
  return fmt::format("#{:02x}{:02x}{:02x}", ink[0], ink[1], ink[2]);
}

// Strokes and dots with soft edges: each pixel by its distance to the middle of the stroke.
class Canvas {
 public:
  Canvas(int64_t width, int64_t height) : picture_{width, height, {}} {
    for (int plane = 0; plane < 3; ++plane)
      picture_.planes.emplace_back(static_cast<size_t>(width * height), uint8_t{255});
  }

  void stroke(const Drawing::Stroke& s) {
    const double dx = s.x2 - s.x1, dy = s.y2 - s.y1, length2 = dx * dx + dy * dy;
    const double reach = s.thickness / 2 + 1;
    for_box(std::min(s.x1, s.x2) - reach, std::min(s.y1, s.y2) - reach,
            std::max(s.x1, s.x2) + reach, std::max(s.y1, s.y2) + reach, [&](double x, double y) {
              const double along =
                  length2 > 0 ? std::clamp(((x - s.x1) * dx + (y - s.y1) * dy) / length2, 0.0, 1.0)
                              : 0.0;
              const double away = std::hypot(x - s.x1 - along * dx, y - s.y1 - along * dy);
              return std::pair(s.thickness / 2 - away, s.ink);
            });
  }

  void dot(const Drawing::Dot& d) {
    for_box(d.x - d.radius - 1, d.y - d.radius - 1, d.x + d.radius + 1, d.y + d.radius + 1,
            [&](double x, double y) {
              return std::pair(d.radius - std::hypot(x - d.x, y - d.y), d.ink);
            });
  }

  void text(const Drawing::Text& t) {
    const auto width = static_cast<double>(t.text.size()) * static_cast<double>(kGlyphAdvance);
    const double left = t.anchor == Anchor::start    ? t.x
                        : t.anchor == Anchor::middle ? t.x - width / 2
                                                     : t.x - width;
    draw_text(t.text, std::llround(left), std::llround(t.y) - kGlyphHeight,
              [&](int64_t x, int64_t y) { mix(x, y, 1, t.ink); });
  }

  Picture take() { return std::move(picture_); }

 private:
  // `depth` is how far inside of the shape a point lies, in pixels.
  template <class Shape>
  void for_box(double left, double top, double right, double bottom, const Shape& shape) {
    for (auto y = static_cast<int64_t>(std::floor(top)); y <= static_cast<int64_t>(bottom); ++y) {
      for (auto x = static_cast<int64_t>(std::floor(left)); x <= static_cast<int64_t>(right); ++x) {
        const auto [depth, ink] = shape(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
        mix(x, y, std::clamp(depth + 0.5, 0.0, 1.0), ink);
      }
    }
  }

  void mix(int64_t x, int64_t y, double share, const Ink& ink) {
    if (x < 0 || y < 0 || x >= picture_.width || y >= picture_.height || share <= 0) return;
    const auto at = static_cast<size_t>(y * picture_.width + x);
    for (size_t plane = 0; plane < 3; ++plane) {
      auto& value = picture_.planes[plane][at];
      value = static_cast<uint8_t>(std::lround(value * (1 - share) + ink[plane] * share));
    }
  }

  Picture picture_;
};

}  // namespace

std::vector<double> round_ticks(double low, double high, int count) {
  if (!std::isfinite(low) || !std::isfinite(high)) return {0, 1};
  // Steps must be large enough to be added to the ends, and to be numbered by whole numbers.
  const double least = std::max(1e-12 * std::max(std::fabs(low), std::fabs(high)), 1e-300);
  if (!(high - low >= least)) {
    low -= least;
    high += least;
  }
  const double rough = high / count - low / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double nice : {1.0, 2.0, 5.0})
    if (nice * power >= rough) {
      step = nice * power;
      break;
    }
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<int64_t>(std::ceil(high / step - 1e-9));
  for (int64_t i = first; i <= std::max(last, first + 1); ++i)
    ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::string svg_of(const LineChart& chart) {
  const auto drawing = ChartDrawing(chart).take();
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"{0}\" height=\"{1}\" "
      "fill=\"#ffffff\"/>\n",
      chart.width, chart.height);
  for (const auto& s : drawing.strokes)
    out += fmt::format(
        "<line x1=\"{:.2f}\" y1=\"{:.2f}\" x2=\"{:.2f}\" y2=\"{:.2f}\" stroke=\"{}\" "
        "stroke-width=\"{}\"/>\n",
        s.x1, s.y1, s.x2, s.y2, colour(s.ink), s.thickness);
  for (const auto& d : drawing.dots)
    out += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{}\" fill=\"{}\"/>\n", d.x, d.y,
                       d.radius, colour(d.ink));
  for (const auto& t : drawing.texts) {
    constexpr std::array kAnchors{"start", "middle", "end"};
    out += fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n",
                       t.x, t.y, kAnchors[static_cast<size_t>(t.anchor)], colour(t.ink),
                       escaped(t.text));
  }
  return out + "</svg>\n";
}

Picture picture_of(const LineChart& chart) {
  const auto drawing = ChartDrawing(chart).take();
  Canvas canvas(chart.width, chart.height);
  for (const auto& stroke : drawing.strokes) canvas.stroke(stroke);
  for (const auto& dot : drawing.dots) canvas.dot(dot);
  for (const auto& text : drawing.texts) canvas.text(text);
  return canvas.take();
}

}  // namespace geoloom::cli
