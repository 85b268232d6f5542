# SPDX-License-Identifier: Apache-2.0
"""What SciPy, NumPy, pymannkendall and nrt make of a series, beside what the program made of it.

    series_judge.py SERIES.npz

The file holds `days` since 1970, `values` (dates, rows, columns; NaN: none) and "LAYER/BAND" pixels of the program. Prints
{check: [worst difference, most that is allowed]}; a value on one side only is an infinite difference.
"""
import datetime
import json
import sys

import numpy
import pandas
import pymannkendall
import scipy.interpolate
import scipy.signal
import scipy.stats
import xarray

EPOCH = datetime.datetime(1970, 1, 1)
YEAR = 365.25
REFERENCE = (datetime.datetime(2000, 1, 1) - EPOCH).days


class Judge:
    def __init__(self, path):
        with numpy.load(path) as file:
            self.layers = {name: file[name] for name in file.files if "/" in name}
            self.days, self.values = file["days"].astype(float), file["values"].astype(numpy.float64)
        self.dates = [EPOCH + datetime.timedelta(days=float(day)) for day in self.days]
        self.shape = self.values.shape[1:]
        self.checks = {}

    def has(self, layer):
        return any(name.startswith(layer + "/") for name in self.layers)

    def series(self, layer, band="ndvi"):
        """The slices of a layer in the order of time."""
        names = sorted(name for name in self.layers if name.startswith(f"{layer}/{band}_"))
        return numpy.stack([self.layers[name] for name in names]).astype(numpy.float64)

    def band(self, layer, name):
        return self.layers[f"{layer}/{name}"].astype(numpy.float64)

    def check(self, what, got, wanted, allowed):
        """Differences relative to values above 1."""
        got, wanted = numpy.asarray(got, float), numpy.asarray(wanted, float)
        if got.shape != wanted.shape or not numpy.array_equal(numpy.isnan(got), numpy.isnan(wanted)):
            where = numpy.argwhere(numpy.isnan(got) != numpy.isnan(wanted))[:3].tolist() if got.shape == wanted.shape else got.shape
            print(what, "values on one side only, at", where, file=sys.stderr)
            self.checks[what] = [1e300, allowed]
            return
        difference = numpy.abs(got - wanted) / numpy.maximum(1, numpy.abs(wanted))
        self.checks[what] = [float(numpy.nanmax(difference, initial=0)), allowed]

    def each(self):
        for place in numpy.ndindex(self.shape):
            samples = self.values[(slice(None), *place)]
            yield place, samples, numpy.isfinite(samples)

    def per_pixel(self, length, function):
        out = numpy.full((length, *self.shape), numpy.nan)
        for place, samples, there in self.each():
            result = function(samples, there)
            if result is not None:
                out[(slice(None), *place)] = result
        return out


def fill(judge, method):
    days = judge.days

    def wanted(samples, there):
        x, y = days[there], samples[there]
        out = numpy.full(len(days), numpy.nan)
        if not len(x):
            return out
        inside = (days >= x[0]) & (days <= x[-1])
        if len(x) == 1:
            out[inside] = y[0]
        elif method == "cubic":
            out[inside] = scipy.interpolate.CubicSpline(x, y)(days[inside])
        else:
            out[inside] = scipy.interpolate.interp1d(x, y, kind=method)(days[inside])
        if method == "previous":
            out[days > x[-1]] = y[-1]
        if method == "next":
            out[days < x[0]] = y[0]
        return out

    judge.check(f"interpolate {method}", judge.series(f"filled_{method}"), judge.per_pixel(len(days), wanted), 2e-6)


def savitzky_golay(judge, window=7, order=3):
    n = len(judge.days)

    def wanted(samples, there):
        if there.all():
            return scipy.signal.savgol_filter(samples, window, order, mode="interp")
        out, known = numpy.full(n, numpy.nan), numpy.flatnonzero(there)
        for d in range(known[0], known[-1] + 1) if len(known) else ():
            first = min(max(d - window // 2, 0), n - window)
            near = numpy.arange(first, first + window)[there[first:first + window]]
            if len(near) > order:
                out[d] = numpy.polyval(numpy.polyfit(near - d, samples[near], order), 0)
        return out

    judge.check("smooth savitzky_golay", judge.series("smooth"), judge.per_pixel(n, wanted), 2e-6)


def whittaker(judge, weight=10):
    days, n = judge.days, len(judge.days)
    step = (days[-1] - days[0]) / (n - 1)
    differences = numpy.eye(n)
    for k in (1, 2):
        differences = numpy.diff(differences, axis=0) / ((days[k:] - days[:-k]) / step)[:, None] * k

    def wanted(samples, there):
        known = numpy.flatnonzero(there)
        if len(known) < 3:
            return None
        out = numpy.linalg.solve(numpy.diag(there.astype(float)) + weight * differences.T @ differences,
                                 numpy.where(there, samples, 0))
        out[:known[0]] = out[known[-1] + 1:] = numpy.nan
        return out

    judge.check("smooth whittaker", judge.series("whittaker"), judge.per_pixel(n, wanted), 2e-6)


def year_share(dates):
    starts = [datetime.datetime(date.year, 1, 1) for date in dates]
    ends = [datetime.datetime(date.year + 1, 1, 1) for date in dates]
    return numpy.array([(date - start) / (end - start) for date, start, end in zip(dates, starts, ends)])


def harmonic(judge):
    angle = 2 * numpy.pi * year_share(judge.dates)
    years = (judge.days - REFERENCE) / YEAR
    design = numpy.column_stack([numpy.ones(len(years)), years] + [f(k * angle) for k in (1, 2) for f in (numpy.cos, numpy.sin)])
    columns = design.shape[1]

    def fitted(samples, there):
        if there.sum() < 9:
            return None
        found, _, rank, _ = numpy.linalg.lstsq(design[there], samples[there])
        return found if rank == columns else None

    beta = judge.per_pixel(columns, fitted)
    names = ["c0", "slope", "cos1", "sin1", "cos2", "sin2"]
    for i, name in enumerate(names):
        judge.check(f"harmonic {name}", judge.band("harmonic", f"ndvi_{name}"), beta[i], 3e-6)
    for k in (1, 2):
        cos, sin = beta[2 * k], beta[2 * k + 1]
        judge.check(f"harmonic amplitude{k}", judge.band("harmonic", f"ndvi_amplitude{k}"), numpy.hypot(cos, sin), 3e-6)
        phase = judge.band("harmonic", f"ndvi_phase{k}")
        turned = numpy.angle(numpy.exp(1j * (phase - numpy.arctan2(sin, cos))))
        sure = numpy.where(numpy.hypot(cos, sin) > 1e-3, turned, turned * 0)
        judge.check(f"harmonic phase{k}", sure, numpy.where(numpy.isnan(cos), numpy.nan, 0), 1e-4)
    model = numpy.tensordot(design, beta, 1)
    squares = numpy.nansum((judge.values - model) ** 2, axis=0)
    count = numpy.isfinite(judge.values).sum(axis=0)
    rmse = numpy.where(numpy.isnan(beta[0]), numpy.nan, numpy.sqrt(squares / numpy.maximum(count, 1)))
    judge.check("harmonic rmse", judge.band("harmonic", "ndvi_rmse"), rmse, 3e-6)
    judge.check("harmonic curve", judge.series("curve"), model, 3e-6)


OUTPUTS = ["slope", "intercept", "tau", "s", "z", "p", "count"]


def trend(judge):
    """Scores by pymannkendall; slopes by SciPy, which knows dates that lie unequally far apart."""
    years = (judge.days - REFERENCE) / YEAR

    def wanted(samples, there):
        y, t = samples[there], years[there]
        if len(y) < 2:
            return None
        test = pymannkendall.original_test(y)
        slope = scipy.stats.theilslopes(y, t)[0]
        return [slope, numpy.median(y) - slope * numpy.median(t), test.Tau, test.s, test.z, test.p, len(y)]

    expected = judge.per_pixel(len(OUTPUTS), wanted)
    for name, pixels in zip(OUTPUTS, expected):
        judge.check(f"trend {name}", judge.band("trend", f"ndvi_{name}"), pixels, 2e-6)


def seasonal_trend(judge):
    months = numpy.array([date.year * 12 + date.month - 1 for date in judge.dates])
    first = months[0] // 12 * 12
    slots = numpy.arange(first, months[-1] + 1)
    since = first / 12 - 2000

    def wanted(samples, there):
        monthly = numpy.array([samples[there & (months == slot)].astype(numpy.float64).mean() if (there & (months == slot)).any()
                               else numpy.nan for slot in slots])
        monthly = monthly.astype(numpy.float32).astype(numpy.float64)
        pairs = sum(numpy.isfinite(monthly[m::12]).sum() > 1 for m in range(12))
        if not pairs:
            return None
        test = pymannkendall.seasonal_test(monthly, period=12)
        return [test.slope, test.intercept - since * test.slope, test.Tau, test.s, test.z, test.p, numpy.isfinite(monthly).sum()]

    expected = judge.per_pixel(len(OUTPUTS), wanted)
    for name, pixels in zip(OUTPUTS, expected):
        judge.check(f"seasonal trend {name}", judge.band("seasonal", f"ndvi_{name}"), pixels, 4e-6)


def climatology(judge):
    frame = xarray.DataArray(judge.values, dims=("time", "y", "x"), coords={"time": pandas.DatetimeIndex(judge.dates)})
    months = frame.sel(time=slice("2010", "2015")).groupby("time.month")
    mean, deviation, count = months.mean().values, months.std(ddof=1).values, months.count().values
    for month in range(12):
        name = f"{month + 1:02}"
        judge.check(f"climatology mean {name}", judge.band("climatology", f"ndvi_mean_{name}"), mean[month], 1e-6)
        judge.check(f"climatology sd {name}", judge.band("climatology", f"ndvi_sd_{name}"), deviation[month], 1e-6)
        judge.check(f"climatology count {name}", judge.band("climatology", f"ndvi_count_{name}"), count[month], 0)
    for i, date in enumerate(judge.dates):
        if date.year < 2016:
            continue
        month = date.month - 1
        difference = judge.values[i] - mean[month]
        z = numpy.where(deviation[month] > 0, difference / deviation[month], numpy.nan)
        for name, wanted in (("difference", difference), ("z", z), ("percent", 100 * difference / mean[month])):
            judge.check(f"anomaly {name} {date:%Y-%m}", judge.band("anomaly", f"ndvi_{name}_{date:%Y-%m}"), wanted, 2e-5)


def phenology(judge, share=0.2):
    """The rule of TIMESAT's amplitude method, once more."""
    years = sorted({date.year for date in judge.dates})
    names = ["start", "peak", "end", "length", "base", "amplitude", "large_integral", "small_integral"]
    for year in years:
        chosen = numpy.array([date.year == year for date in judge.dates])
        first = (datetime.datetime(year, 1, 1) - EPOCH).days

        def wanted(samples, there):
            x, y = judge.days[chosen & there] - first, samples[chosen & there]
            if len(x) < 6:
                return None
            top = int(numpy.argmax(y))
            left, right = y[:top + 1].min(), y[top:].min()
            if not (left < y[top] and right < y[top]):
                return None
            at = scipy.interpolate.interp1d(x, y)
            fine = numpy.linspace(x[0], x[-1], 200001)
            curve = at(fine)
            low, high = left + share * (y[top] - left), right + share * (y[top] - right)
            start = fine[(fine < x[top]) & (curve <= low)].max()
            end = fine[(fine > x[top]) & (curve <= high)].min()
            base = (left + right) / 2
            inside = numpy.concatenate([[start], x[(x > start) & (x < end)], [end]])
            large = numpy.trapezoid(at(inside), inside)
            return [start, x[top], end, end - start, base, y[top] - base, large, large - base * (end - start)]

        expected = judge.per_pixel(len(names), wanted)
        for name, pixels in zip(names, expected):
            judge.check(f"phenology {name} {year}", judge.band("phenology", f"ndvi_{name}_{year}"), pixels, 2e-3)


def changes(judge):
    """The last dates against the first, and their classes of a tenth."""
    before, after = judge.values[0], judge.values[-1]
    judge.check("difference", judge.band("difference", "ndvi_difference"), after - before, 1e-6)
    judge.check("relative difference", judge.band("difference", "ndvi_relative"), (after - before) / abs(before), 1e-5)
    judge.check("ratio", judge.band("difference", "ndvi_ratio"), after / before, 1e-5)

    def classes(values):
        return numpy.where(numpy.isnan(values), numpy.nan, (values >= numpy.float32(0.4)) + 1.0)

    judge.check("transition", judge.band("transition", "transition"), classes(before) * 100 + classes(after), 0)


def breaks(judge, layer, monitor_class, history_end, options, **test):
    """nrt takes a year for a day shorter than it is: it gets the shares of the year as they are. It takes residuals of the history
    as expected less observed and later ones as observed less expected: the window that MOSUM starts with is turned."""
    import nrt.utils

    nrt.utils.datetimeIndex_to_decimal_dates = lambda dates: year_share(dates.to_pydatetime())
    days = numpy.array([numpy.datetime64(date, "ns") for date in judge.dates])
    cube = xarray.DataArray(judge.values, dims=("time", "y", "x"),
                            coords={"time": days, "y": numpy.arange(judge.shape[0]), "x": numpy.arange(judge.shape[1])})
    history = numpy.array([date < history_end for date in judge.dates])
    regressors = 1 + options["trend"] + 2 * options["harmonic_order"]
    enough = numpy.isfinite(judge.values[history]).sum(axis=0) >= max(regressors + 1, -(-regressors * 3 // 2))
    scatter = numpy.nanstd(judge.values[history], axis=0) > 1e-6
    later = numpy.isfinite(judge.values[~history]).any(axis=0)
    mask = (enough & scatter & later).astype(numpy.uint8)
    monitor = monitor_class(mask=mask.copy(), **options, **test)
    monitor.fit(cube[history], method="OLS")
    if monitor.monitoring_strategy == "MOSUM":
        monitor.window = -monitor.window
    for i in numpy.flatnonzero(~history):
        monitor.monitor(judge.values[i], judge.dates[i])
    date = numpy.where(monitor.detection_date > 0, monitor.detection_date, numpy.nan)
    got = judge.band(layer, "ndvi_date")
    differ = int((numpy.isnan(got) != numpy.isnan(date)).sum() + (numpy.abs(got - date) > 0).sum())
    judge.checks[f"{layer}: pixels with another date"] = [differ, 0]
    judge.checks[f"{layer}: pixels without a break"] = [-float(numpy.isnan(got).sum()), -1]
    judge.checks[f"{layer}: pixels with one"] = [-float(numpy.isfinite(got).sum()), -1]
    watched = mask > 0
    judge.check(f"{layer}: scatter", numpy.where(watched, judge.band(layer, "ndvi_rmse"), numpy.nan),
                numpy.where(watched, monitor.sigma, numpy.nan), 1e-5)
    broken = judge.band(layer, "ndvi_statistic") >= 1
    judge.checks[f"{layer}: the statistic and the date agree"] = [int((broken != numpy.isfinite(got)).sum()), 0]


def main():
    judge = Judge(sys.argv[1])
    for method in ("linear", "cubic", "nearest", "previous", "next"):
        fill(judge, method)
    if judge.has("smooth"):
        savitzky_golay(judge)
    if judge.has("climatology"):
        climatology(judge)
        phenology(judge)
        changes(judge)
    whittaker(judge)
    harmonic(judge)
    trend(judge)
    seasonal_trend(judge)

    from nrt.monitor.cusum import CuSum
    from nrt.monitor.mosum import MoSum

    made = judge.has("climatology")
    end = datetime.datetime(2014, 1, 1) if made else datetime.datetime(2016, 10, 1)
    options = {"trend": True, "harmonic_order": 2} if made else {"trend": False, "harmonic_order": 1}
    breaks(judge, "mosum", MoSum, end, options, sensitivity=0.05, h=0.25)
    breaks(judge, "cusum", CuSum, end, options, sensitivity=0.01 if made else 0.05)
    print(json.dumps(judge.checks))


if __name__ == "__main__":
    main()
