# SPDX-License-Identifier: Apache-2.0
"""Runs the binary as a user would, and counts what holds and what does not."""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VENV_PYTHON = ROOT / ".setup" / "venv" / "bin" / "python"
SKIPPED = 77


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


class Outcome:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"no JSON from {self}") from None

    def steps(self):
        return {step["name"]: step for step in self.json()["steps"]}

    def __str__(self):
        return f"{' '.join(self.command)}: exit {self.code}\n  stdout: {self.out[-1500:]}\n  stderr: {self.err[-1500:]}"


class Bench:
    """The binary, a folder of its own for one test, and what holds so far."""

    def __init__(self, binary, folder, store_kind="folder", environment=None):
        self.binary, self.folder, self.store_kind = str(binary), pathlib.Path(folder), store_kind
        self.scratch = self.folder / "tmp"
        self.scratch.mkdir(parents=True)
        self.environment = {**os.environ, **(environment or {}), "XDG_STATE_HOME": str(self.folder / "state"),
                            "XDG_CACHE_HOME": str(self.folder / "cache"),
                            "TMPDIR": str(self.scratch), "LC_ALL": "C.UTF-8"}
        self.passed, self.failures = 0, []

    def expect(self, holds, what, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failures.append(f"{what}{': ' if str(detail) else ''}{detail}")
        return bool(holds)

    def expect_equal(self, got, wanted, what):
        return self.expect(got == wanted, what, f"got {str(got)[:1500]}, wanted {str(wanted)[:1500]}")

    def document(self, text, name="workflow.yaml"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def environment_with(self, changes):
        return {**self.environment, **(changes or {})}

    def start(self, *arguments, environment=None, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.Popen([self.binary, *map(str, arguments)], cwd=self.folder, text=True, errors="replace",
                                env=self.environment_with(environment), **options)

    def finish(self, process, timeout=300):
        out, err = process.communicate(timeout=timeout)
        return Outcome(["geoloom", *process.args[1:]], process.returncode, out or "", err or "")

    def call(self, *arguments, environment=None, timeout=300, **options):
        return self.finish(self.start(*arguments, environment=environment, **options), timeout)

    def run(self, document, *arguments, expect=0, **options):
        """`geoloom run --json`, which must end as expected."""
        outcome = self.call("run", document, "--json", *arguments, **options)
        self.expect(outcome.code == expect, f"exit code {expect}", outcome)
        return outcome


def wait_until(condition, process=None, seconds=60):
    """Waits for something to happen, not for time to pass; False when the process ended before."""
    until = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            return False
        if time.monotonic() > until:
            raise AssertionError("it did not happen within a minute")
        time.sleep(0.002)
    return True


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def report(name, bench):
    for failure in bench.failures:
        print(f"{name}: FAILED {failure}")


def run_tests(binary, tests, store_kind="folder", environment=None, only=()):
    """Each test gets a bench; prints the count and returns the exit code."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="geoloom-properties-") as root:
        for test in tests:
            if only and test.__name__ not in only:
                continue
            bench = Bench(pathlib.Path(binary).resolve(), pathlib.Path(root) / test.__name__, store_kind, environment)
            start = time.monotonic()
            try:
                test(bench)
            except Exception:  # noqa: BLE001  one broken test must not hide the others
                bench.failures.append(traceback.format_exc())
            report(test.__name__, bench)
            passed += bench.passed
            failed += len(bench.failures)
            print(f"  {test.__name__}: {time.monotonic() - start:.1f} s", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main(tests, doc, stores=(), store="folder", environment_of=None):
    """What most test programs are: the binary, --only TEST, and --store KIND where tests run on several."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("geoloom", type=pathlib.Path)
    parser.add_argument("--only", action="append", default=[])
    if stores:
        parser.add_argument("--store", choices=stores, default=store)
    arguments = parser.parse_args()
    kind = arguments.store if stores else store
    with environment_of(kind) if environment_of else contextlib.nullcontext() as environment:
        return run_tests(arguments.geoloom, tests, kind, environment, arguments.only)
