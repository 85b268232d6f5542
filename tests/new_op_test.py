#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An op that tools/new_op scaffolds builds, without a warning, and passes its own tests as it is.

    new_op_test.py [--keep FOLDER]

Works on a copy of the sources. A copy is compiled anew, which takes minutes; ccache shortens that.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".setup", "build", "out", "__pycache__")
STEM, NAME, CLASS = "index/scaffolded_ratio", "scaffolded_ratio", "ScaffoldedRatio"


def copy_sources(folder):
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    (folder / ".setup").symlink_to((ROOT / ".setup").resolve())  # what was installed serves the copy, too


def run(folder, *command):
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


class Checks:
    passed, failed = 0, 0

    def expect(self, holds, what, detail=""):
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
        if not holds:
            print(f"{what}: FAILED {detail[-3000:]}")
        return holds


def check(folder, checks):
    copy_sources(folder)
    code, text = run(folder, "tools/new_op", STEM)
    checks.expect(code == 0, "it is scaffolded", text)
    before = {path: path.read_bytes() for path in sorted((folder / "src" / "ops").rglob("*")) if path.is_file()}
    code, text = run(folder, "tools/new_op", f"feature/{NAME}")
    checks.expect(code == 1 and "already" in text, "a name that is taken is refused", text)
    checks.expect(all(path.read_bytes() == content for path, content in before.items()), "and nothing is written over")
    code, text = run(folder, "setup/build.sh", "release", "scene_runner", "ops_test", "contract_ops_test", "geoloom")
    if not checks.expect(code == 0, "it builds", text):
        return
    for name, pattern in (("its unit tests", f"{CLASS}[.]"), ("its scene", f"^scene/{STEM}$"), ("the contract of ops", "contract_ops_test")):
        code, text = run(folder, "ctest", "--test-dir", "build/release", "-R", pattern, "--no-tests=error")
        checks.expect(code == 0, f"{name} pass", text)
    code, text = run(folder, "build/release/geoloom", "ops", NAME)
    checks.expect(code == 0 and NAME in text, "the program knows it", text)
    code, text = run(folder, "clang-format", "--dry-run", "-Werror", *sorted((folder / "src" / "ops" / "index").glob("*.cpp")))
    checks.expect(code == 0, "it is formatted", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=pathlib.Path, help="work in this new folder and leave it there")
    arguments = parser.parse_args()
    checks = Checks()
    if arguments.keep:
        arguments.keep.mkdir(parents=True)
        check(arguments.keep.resolve(), checks)
    else:
        with tempfile.TemporaryDirectory(prefix="geoloom-new-op-") as folder:
            check(pathlib.Path(folder), checks)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
