# SPDX-License-Identifier: Apache-2.0
"""The tables of a recorded run, from what compare.py took down."""
import statistics

REFERENCE = "geoloom, 1 thread"
TWO_THREADS = "geoloom, 2 threads"
REFERENCE_AVX2 = "geoloom, 1 thread, AVX2"
WITHOUT_AVX512 = ", without AVX-512"  # compared with the one above
PARTS = (("read", "reading and inflating"), ("compute", "reducing"), ("encode", "writing the COG"))


def median(program, quantity):
    return statistics.median(run[quantity] for run in program["runs"])


def peak(program):
    return max(run["peak_mib"] for run in program["runs"])


def seconds_of_parts(program):
    """Input, compute and output of a program, medians; what is left of its CPU time is start and end.

    Programs take down wall time; where the machine let one wait, its parts shrink by the same share.
    """
    names = {"read": ("read", "read_seconds"), "compute": ("compute", "reduce_seconds"), "encode": ("encode", "write_seconds")}
    found = {}
    for part, keys in names.items():
        taken = [next(run["parts"][key] for key in keys if key in run["parts"]) for run in program["runs"]]
        share = [min(1.0, run["cpu_seconds"] / run["wall_seconds"]) for run in program["runs"]]
        found[part] = statistics.median(seconds * of for seconds, of in zip(taken, share))
    found["rest"] = max(0.0, median(program, "cpu_seconds") - sum(found.values()))
    return found


def window_table(programs):
    lines = ["| program | CPU s (user + system) | wall s | peak MiB | CPU over geoloom | runs |", "|---|---|---|---|---|---|"]
    for name, program in programs.items():
        ratio, runs = program["cpu_over_geoloom"], len(program["runs"])
        spread = f"{ratio['median']:.2f}" + (f" ({ratio['least']:.2f} to {ratio['greatest']:.2f})" if runs > 1 else "")
        lines.append(f"| {name} | {median(program, 'cpu_seconds'):.2f} ({median(program, 'user_seconds'):.2f} + "
                     f"{median(program, 'system_seconds'):.2f}) | {median(program, 'wall_seconds'):.2f} | "
                     f"{peak(program):.0f} | {spread} | {runs} |")
    return lines


def parts_table(record):
    parts, floor = seconds_of_parts(record["programs"][REFERENCE]), record["floor"]["libdeflate_cpu_seconds"]
    total = median(record["programs"][REFERENCE], "cpu_seconds")
    lines = ["| part | s | share | over libdeflate alone |", "|---|---|---|---|"]
    for part, title in (*PARTS, ("rest", "everything else: start, headers, records, end")):
        lines.append(f"| {title} | {parts[part]:.2f} | {100 * parts[part] / total:.0f} % | {parts[part] / floor:.2f} |")
    lines.append(f"| all but the output | {total - parts['encode']:.2f} | {100 - 100 * parts['encode'] / total:.0f} % | "
                 f"{(total - parts['encode']) / floor:.2f} |")
    return lines


def goals(record):
    """(what, wanted, got, reached)"""
    programs, floor = record["programs"], record["floor"]["libdeflate_cpu_seconds"]
    one, two = programs[REFERENCE], programs[TWO_THREADS]
    for name, program in programs.items():
        wanted = 18 if "typical" in name else 8
        if name.startswith("NumPy"):
            got = program["cpu_over_geoloom"]["median"]
            limit = median(program, "cpu_seconds") / floor
            yield (f"CPU of {name}", f"at least {wanted} times geoloom's", f"{got:.1f} (inflating alone: {limit:.1f})",
                   got >= wanted)
    peaks = max(peak(one), peak(two))
    yield "memory, one and two threads", "at most 512 MiB", f"{peak(one):.0f} and {peak(two):.0f}", peaks <= 512
    parts = seconds_of_parts(one)
    bare = (median(one, "cpu_seconds") - parts["encode"]) / floor
    yield "CPU without the output", "at most 1.5 times libdeflate alone", f"{bare:.2f}", bare <= 1.5
    # Both threads encode, so of the second program's wall time half of that is output.
    faster = [(a["wall_seconds"] - a["parts"]["encode"]) / (b["wall_seconds"] - b["parts"]["encode"] / 2)
              for a, b in zip(one["runs"], two["runs"])]
    yield ("two threads over one, wall without the output", "at least 1.85", f"{statistics.median(faster):.2f}",
           statistics.median(faster) >= 1.85)
    windows = record["windows"]
    blocks = windows["unaligned"]["floor"]["libdeflate_cpu_seconds"] / windows["aligned"]["floor"]["libdeflate_cpu_seconds"]
    straddling = windows["cpu_ratio"] / blocks
    yield ("CPU of a window half a block off, for the blocks it touches", "at most 1.1 times an aligned one",
           f"{straddling:.2f}", straddling <= 1.1)
    if "quarter" in record:
        flat = record["quarter"]["later_mib"] / record["quarter"]["earlier_mib"]
        yield "memory of a quarter granule, later over earlier", "flat: at most 1.05", f"{flat:.2f}", flat <= 1.05


def windows_lines(record):
    windows = record["windows"]
    a, u = windows["aligned"], windows["unaligned"]
    return [f"A window of 1024 x 1024 in scenes of 2048 x 2048, one thread: on the borders of blocks it touches {a['floor']['blocks']} blocks and takes "
            f"{a['cpu_seconds']:.2f} CPU s; half a block off it touches {u['floor']['blocks']} and takes {u['cpu_seconds']:.2f}, "
            f"{windows['cpu_ratio']:.2f} times as much. Inflating these blocks alone takes {a['floor']['libdeflate_cpu_seconds']:.2f} "
            f"and {u['floor']['libdeflate_cpu_seconds']:.2f} s, {u['floor']['libdeflate_cpu_seconds'] / a['floor']['libdeflate_cpu_seconds']:.2f} "
            f"times as much. Where the two overlap their pixels are equal."]


def quarter_lines(quarter):
    count, size, _ = quarter["scenes"]["set"]
    parts = ", ".join(f"{title} {quarter['parts'][part]:.1f}" for part, title in PARTS)
    return ["", "## A quarter of a granule", "",
            f"{count} scenes of {size} x {size}, {quarter['scenes']['stored_bytes'] / 1e9:.1f} GB, tiles of 1024, and one map of them; two threads.", "",
            f"- {quarter['cpu_seconds']:.1f} CPU s, {quarter['wall_seconds']:.1f} s; seconds of the threads: {parts}.",
            f"- Memory: peak {quarter['peak_mib']:.0f} MiB; highest between 10 and 45 % of the time {quarter['earlier_mib']:.0f}, "
            f"between 45 and 80 % {quarter['later_mib']:.0f}.",
            f"- Checked: {quarter['checked']}.",
            f"- A whole granule by area: {quarter['granule_cpu_seconds']:.0f} CPU s, {quarter['granule_wall_seconds']:.0f} s."]


def lines(record):
    floor, scenes, plan = record["floor"], record["scenes"], record["plan"]
    one, two = record["programs"][REFERENCE], record["programs"][TWO_THREADS]
    versions = record["versions"]
    count, size, _ = scenes["set"]
    cpu = median(one, "cpu_seconds")
    found = [f"Measured {record['date']} on {record['machine']}; load {record['load']:.1f} at the end.",
             f"{versions['geoloom']}; {'; '.join(v for v in versions['peers'] if v)}; Numba {versions['numba']}; "
             f"libdeflate {versions['libdeflate']}.",
             f"{count} scenes of {size} x {size} pixels, {scenes['bytes_per_sample']:.3f} bytes/sample; a window of {size} x {size}: "
             f"{floor['blocks']} blocks, {floor['stored_bytes'] / 1e6:.0f} MB stored, {floor['decoded_bytes'] / 1e6:.0f} MB decoded.",
             "", "## One window", "", *window_table(record["programs"]), "",
             f"- All results have equal pixels: {record['pixels']}.",
             f"- Budget of geoloom: `--memory {record['memory']}`; times and ratios are medians, in brackets least and greatest; "
             f"peaks are the greatest.",
             f"- Floor, one thread: inflating the blocks with libdeflate takes {floor['libdeflate_cpu_seconds']:.2f} CPU s, "
             f"reading them through GDAL {floor['gdal_cpu_seconds']:.2f}. Geoloom's whole process is at "
             f"{cpu / floor['libdeflate_cpu_seconds']:.2f} and {cpu / floor['gdal_cpu_seconds']:.2f} times that.",
             f"- Two threads are {median(one, 'wall_seconds') / median(two, 'wall_seconds'):.2f} times faster than one (wall).",
             f"- `geoloom plan`: {plan['wall_seconds']:.2f} s (wall), {plan['cpu_seconds']:.2f} CPU s.",
             f"- A processor without AVX-512 is imitated: `{REFERENCE_AVX2}` is forced to AVX2, and where NumPy's name says so its "
             f"AVX-512 is switched off; that row is compared with this one. Decompression is as it is in both.",
             "", "## Where the time goes", "", "Geoloom with one thread, by its receipt; seconds.", "", *parts_table(record),
             "", "## Windows that cut blocks", "", *windows_lines(record)]
    if "quarter" in record:
        found += quarter_lines(record["quarter"])
    found += ["", "## Goals", "", "| what | goal | measured | |", "|---|---|---|---|"]
    found[-2:-2] = ["A ratio is limited by what any program must do that inflates these blocks with libdeflate; that limit stands in brackets.", ""]
    found += [f"| {what} | {wanted} | {got} | {'reached' if reached else '**not reached**'} |" for what, wanted, got, reached in goals(record)]
    return found
