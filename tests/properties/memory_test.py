#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The memory of the whole process stays within --memory however many scenes there are; only reads are repeated.

    memory_test.py GEOLOOM [--only TEST]...
"""
import os
import re
import sys
import threading

import documents
import scenes
from program import Outcome, main
from stores import digests, store_of

COUNTS = [10, 216, 1000]
BUDGET = 256
ROOMY = 3072
TILE = 512
MIB = 1 << 20


def high_water(process):
    """VmHWM as the kernel has it; None when the process is gone."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    except OSError:
        return None
    return int(found[1]) << 10 if found else None


class Measured:
    """A run with its peak memory, read from outside of the process (VmHWM, every few milliseconds).

    Not the rusage of wait4: its peak begins with that of this Python, from before the exec."""

    def __init__(self, bench, *arguments):
        process = bench.start("run", *arguments, "--json")
        texts = {}
        readers = [threading.Thread(target=lambda name=name, pipe=pipe: texts.update({name: pipe.read()}))
                   for name, pipe in (("out", process.stdout), ("err", process.stderr))]
        for reader in readers:
            reader.start()
        self.watched = 0
        while True:
            self.watched = max(self.watched, high_water(process) or 0)
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if pid:
                break
            readers[0].join(0.005)
        for reader in readers:
            reader.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.outcome = Outcome(["geoloom", "run", *map(str, arguments)], process.returncode, texts["out"], texts["err"])


def expect_within(bench, measured, budget, what):
    if not bench.expect_equal(measured.outcome.code, 0, f"{what} ends well") :
        print(measured.outcome, file=sys.stderr)
        return
    said = measured.outcome.json()["peak_memory_bytes"]
    for name, value in (("the watched peak", measured.watched), ("its own peak", said)):
        bench.expect(value <= budget * MIB, f"{what}: {name} is within {budget} MiB", f"{value / MIB:.1f} MiB")
    bench.expect(said >= 0.9 * measured.watched, f"{what}: what it says is what is measured", f"{said} and {measured.watched}")
    print(f"{what}: {measured.watched / MIB:.0f} of {budget} MiB, {measured.outcome.json()['wall_seconds']:.1f} s", file=sys.stderr)


def amplification(bench, document, scene_folder, memory):
    plan = bench.call("plan", document, "-p", f"scenes={scene_folder}", "--memory", f"{memory}M", "--json")
    return plan.steps()["composite"]["read_amplification"]


def memory_holds_for_any_number_of_scenes(bench):
    document = bench.document(documents.colours(tile=TILE))
    amplifications = []
    for count in COUNTS:
        folder = scenes.linked_series(bench.folder / str(count) / "scenes", count)
        store = store_of(bench, f"out{count}")
        measured = Measured(bench, document, "-p", f"scenes={folder}", "-p", f"results={store.url}", "--memory", f"{BUDGET}M")
        expect_within(bench, measured, BUDGET, f"{count} scenes")
        amplifications.append(amplification(bench, document, folder, BUDGET))
        if count == COUNTS[1]:
            roomy = store_of(bench, "roomy")
            bench.run(document, "-p", f"scenes={folder}", "-p", f"results={roomy.url}", "--memory", f"{ROOMY}M")
            bench.expect_equal(digests(store), digests(roomy), "a small and a large budget give the same bytes")
            bench.expect_equal(amplification(bench, document, folder, ROOMY), 1.0, "with room every block is decoded once")
    print(f"read amplification {amplifications}", file=sys.stderr)
    bench.expect(amplifications == sorted(amplifications), "more scenes are read more often, never less", amplifications)
    bench.expect(amplifications[0] == 1 and amplifications[-1] > 1, "only the reads grow", amplifications)


def memory_holds_for_large_blocks(bench):
    """Not one block of 512 pixels of all scenes fits, so that the budget is used to its end."""
    folder = scenes.linked_series(bench.folder / "s" / "scenes", COUNTS[1], (1024, 1024), block=512)
    document = bench.document(documents.colours(tile=TILE))
    arguments = [document, "-p", f"scenes={folder}", "-p", f"results={store_of(bench).url}", "--memory", f"{BUDGET}M"]
    for threads in (1, 2, 4):
        arguments[4] = f"results={store_of(bench, f'out{threads}').url}"
        expect_within(bench, Measured(bench, *arguments, "--threads", threads), BUDGET, f"{COUNTS[1]} large scenes, {threads} threads")


def streamed_statistics_need_no_more_reads(bench):
    """A mean takes scene after scene: its reads do not grow."""
    folder = scenes.linked_series(bench.folder / "s" / "scenes", 300)
    load = "load: {scenes: $scenes, bands: [red, green, blue]}"
    document = bench.document(documents.statistics("mean", tile=TILE, load=load))
    store = store_of(bench)
    measured = Measured(bench, document, "-p", f"scenes={folder}", "-p", f"results={store.url}", "--memory", f"{BUDGET}M")
    expect_within(bench, measured, BUDGET, "a mean of 300 scenes")
    plan = bench.call("plan", document, "-p", f"scenes={folder}", "--memory", f"{BUDGET}M", "--json")
    bench.expect_equal(plan.steps()["statistic"]["read_amplification"], 1.0, "each block is decoded once")


def sufficient(text):
    """The budget in MiB that the message names."""
    found = re.search(r"--memory (\d+)M or more", text)
    return int(found[1]) if found else None


def too_small_a_budget_is_refused(bench):
    folder = scenes.linked_series(bench.folder / "s" / "scenes", 100)
    document = bench.document(documents.colours(tile=TILE))
    store = store_of(bench)
    arguments = [document, "-p", f"scenes={folder}", "-p", f"results={store.url}"]
    for command in ("plan", "run"):
        for memory in ("4M", "40M"):
            refused = bench.call(command, *arguments, "--memory", memory)
            bench.expect_equal(refused.code, 9, f"{command} --memory {memory} is refused")
            bench.expect(sufficient(refused.err), f"{command} --memory {memory} names a budget that suffices", refused)
    needed = sufficient(bench.call("run", *arguments, "--memory", "40M").err)
    if needed:
        refused = bench.call("run", *arguments, "--memory", f"{needed - 8}M")
        bench.expect_equal(refused.code, 9, f"8 MiB less than the {needed} it named are refused")
        expect_within(bench, Measured(bench, *arguments, "--memory", f"{needed}M"), needed, f"the {needed} MiB it named")


def a_long_series_names_its_budget(bench):
    """Where the program fits but not one block of the series does."""
    folder = scenes.linked_series(bench.folder / "s" / "scenes", 1000)
    document = bench.document(documents.colours(tile=TILE))
    arguments = [document, "-p", f"scenes={folder}", "-p", f"results={store_of(bench).url}"]
    needed = None
    for memory in range(64, 257, 8):
        refused = bench.call("run", *arguments, "--memory", f"{memory}M")
        if refused.code == 0:
            break
        bench.expect_equal(refused.code, 9, f"{memory} MiB are refused as a matter of memory")
        needed = sufficient(refused.err)
        if not bench.expect(needed, f"{memory} MiB: the message names what suffices", refused):
            break
        bench.expect(needed > memory, f"{memory} MiB: what it names is more", refused)
    if needed:
        expect_within(bench, Measured(bench, *arguments, "--memory", f"{needed}M"), needed, f"the {needed} MiB it named")


TESTS = [memory_holds_for_any_number_of_scenes, memory_holds_for_large_blocks, streamed_statistics_need_no_more_reads,
         too_small_a_budget_is_refused, a_long_series_names_its_budget]

if __name__ == "__main__":
    sys.exit(main(TESTS, __doc__))
