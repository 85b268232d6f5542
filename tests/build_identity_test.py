#!/usr/bin/python3
"""The revision in a build's name is that of the sources, at each build, and is written only when it changes."""
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "cmake" / "build_identity.cmake"


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments],
                          check=True, capture_output=True, text=True).stdout.strip()


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as root:
        source, header = pathlib.Path(root, "source"), pathlib.Path(root, "generated", "engine", "build_revision.h")
        (source / "src").mkdir(parents=True)

        def revision():
            done = subprocess.run(["cmake", "-D", f"SOURCE={source}", "-D", "VERSION=1.2", "-D", f"HEADER={header}", "-P", str(SCRIPT)],
                                  check=True, capture_output=True, text=True)
            expect(done.stderr, "", "no warning")
            return header.read_text().split('"')[1]

        def expect(got, wanted, what):
            nonlocal passed, failed
            passed, failed = passed + (got == wanted), failed + (got != wanted)
            if got != wanted:
                print(f"{what}: got {got}, wanted {wanted}")

        expect(revision(), "1.2+release", "without git")
        git(source, "init", "-q")
        (source / "src" / "a.cpp").write_text("int a;\n")
        git(source, "add", ".")
        git(source, "commit", "-qm", "first")
        first = "1.2+" + git(source, "rev-parse", "--short=10", "HEAD")
        expect(revision(), first, "the commit")
        before = header.stat().st_mtime_ns
        expect(revision(), first, "the same again")
        expect(header.stat().st_mtime_ns, before, "nothing is written, so nothing is compiled")
        (source / "src" / "a.cpp").write_text("int b;\n")
        expect(revision(), first + "+modified", "an edit")
        git(source, "commit", "-qam", "second")
        expect(revision(), "1.2+" + git(source, "rev-parse", "--short=10", "HEAD"), "the next commit")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
