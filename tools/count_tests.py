#!/usr/bin/python3
"""Adds up what ctest reported (JUnit files in a folder, one per stage), names what failed and what was
skipped, and ends with the line `N passed, N failed, N skipped`. Exits 1 when something failed.

    tools/count_tests.py FOLDER
"""
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def why_skipped(case):
    output = case.findtext("system-out") or ""
    # GoogleTest prints the place and then the message of GTEST_SKIP; scripts print `SKIPPED: reason`.
    found = re.search(r": Skipped\n(.+)", output) or re.search(r"SKIPPED: (.+)", output)
    reason = found.group(1).strip() if found else case.find("skipped").get("message", "") if case.find("skipped") is not None else ""
    return reason or "no reason given"


def main(folder):
    counts = collections.Counter()
    failed, skipped = [], collections.defaultdict(list)
    for report in sorted(folder.glob("*.xml")):
        stage = report.stem
        of_stage = collections.Counter()
        for case in xml.parse(report).getroot().iter("testcase"):
            status = case.get("status")
            if status == "run":
                of_stage["passed"] += 1
            elif status in ("notrun", "disabled") and (case.find("skipped") is not None or status == "disabled"):
                of_stage["skipped"] += 1
                skipped[why_skipped(case)].append(f"{stage}: {case.get('name')}")
            else:
                of_stage["failed"] += 1
                failed.append(f"{stage}: {case.get('name')}")
        counts.update(of_stage)
        print(f"{stage:10} {of_stage['passed']} passed, {of_stage['failed']} failed, {of_stage['skipped']} skipped")
    held = folder / "held"
    if held.exists():
        for stage in held.read_text().split():
            counts["passed"] += 1
            print(f"{stage:10} passed")
    broken = folder / "broken"
    if broken.exists():
        for stage in broken.read_text().split():
            counts["failed"] += 1
            failed.append(f"{stage}: the stage itself, see above")
    if not counts:
        counts["failed"] += 1
        failed.append("no test ran")
    for name in failed:
        print(f"FAILED  {name}")
    for reason, names in sorted(skipped.items()):
        print(f"SKIPPED {len(names)} ({reason}): {', '.join(names[:4])}{' ...' if len(names) > 4 else ''}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
