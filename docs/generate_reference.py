#!/usr/bin/python3
"""Writes docs/ops/NAME.md for every op from what `geoloom ops NAME` prints, and docs/ops/README.md, their list.

    docs/generate_reference.py BINARY [--check]

With --check nothing is written: exits 1 and names the pages that are not as the program prints them.
"""
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "ops"
NOTE = "<!-- Written by docs/generate_reference.py from `geoloom ops {}`; change the op, not this page. -->\n"


def printed(binary, *arguments):
    return subprocess.run([binary, "ops", *arguments], capture_output=True, text=True, check=True).stdout


def pages(binary):
    """File name -> text of all pages."""
    overview = printed(binary)
    rows = [line.split(None, 1) for line in overview.splitlines() if line.strip()]
    out = {f"{name}.md": NOTE.format(name) + "\n" + printed(binary, name) for name, _ in rows}
    table = "".join(f"| [{name}]({name}.md) | {summary} |\n" for name, summary in rows)
    out["README.md"] = (NOTE.format("NAME") + "\n# Ops\n\n"
                        "The same text as `geoloom ops NAME`. How ops are joined into steps is told in "
                        "[the document](../document.md#steps).\n\n"
                        f"| op | |\n|---|---|\n{table}")
    return out


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    wanted = pages(arguments[0])
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    if "--check" in sys.argv:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        for name in stale:
            print(f"docs/ops/{name} is not as the program prints it; run docs/generate_reference.py BINARY")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} pages in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
