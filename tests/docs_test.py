#!/usr/bin/python3
"""The documentation against the program:  docs_test.py BINARY

Runs the marked blocks of README.md and docs/*.md, each page in a folder of its own that holds small scenes
under the paths of the demo. Marks stand after the language of a fence:

    ```yaml run [FILE]      saved as FILE (workflow.yaml) and carried out with `geoloom run`
    ```yaml save FILE       saved only
    ```sh run [exit=N]      carried out by bash; must end with N (0)
    ```text output          what the last block printed on stdout; a line `...` stands for any lines
    ```text like            lines that the last block printed somewhere, numbers aside

It also checks links, and that tables tell what the sources and the program tell.
"""
import datetime
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
try:
    import numpy
    from osgeo import ogr, osr
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)

passed = 0
failures = []
# All generated dates are of one year. LightGBM's threads wait for each other by spinning: on a machine that others use one is quickest.
OF_GENERATED_SCENES = {
    "tree-cover": ["-p", "learned=2020-05-01..2020-09-30"],
    "eo-grow": ["-p", "months=2020-06..2020-08", "--threads", "1"],
    "crop-mask": ["-p", "first=2020-01..2020-06", "-p", "second=2020-07..2020-12", "-p", "year=2020"],
}
LIGHTGBM = next(map(str, (ROOT / ".setup/venv").glob("lib/python3*/site-packages/lightgbm/lib/lib_lightgbm.so")), "")


def check(holds, what):
    global passed
    if holds:
        passed += 1
    else:
        failures.append(what)
        print(f"FAILED {what}")


def pages():
    found = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return found + sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "examples").glob("*/README.md"))


# --- Scenes -------------------------------------------------------------------------------------


def demo_tools():
    spec = importlib.util.spec_from_file_location("demo_scenes", ROOT / "setup/demo_scenes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_scenes(folder):
    """A few generated dates, laid out exactly as setup/demo_scenes.py lays out the real ones."""
    demo = demo_tools()
    scenes, colour, origin = folder / "out/demo/scenes", folder / "out/demo/true_colour", folder / "scenes_at_origin"
    for path in (scenes, colour, origin):
        path.mkdir(parents=True)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(3035)
    wkt = reference.ExportToWkt()
    transform = (5271982.576551932, 10.0, 0.0, 2533004.2149151857, 0.0, -10.0)
    ring, bbox = demo.outline(transform)
    names = [name for _, name, _ in demo.BANDS]
    size = demo.SIZE
    y, x = numpy.mgrid[0:size, 0:size]
    items = []
    for number in range(24):
        date = (datetime.date(2020, 1, 5) + datetime.timedelta(days=15 * number)).strftime("%Y%m%d")
        wave = (x * (3 + number) + y * (5 + 2 * number)) % 97
        cloud = (x + 7 * number) % size < 30
        pixels = [numpy.where(cloud, 4000 + wave, level + 4 * wave + number).astype(numpy.uint16)
                  for level in (300, 450, 350, 1800)]
        scl = numpy.where(cloud, 9, 4 + (y + number) % 2).astype(numpy.uint16)
        pixels.append(scl)
        for band in pixels:
            band[:2, :3] = 0
        file = scenes / f"romania_{date}.tif"
        demo.write_cog(file, pixels, transform, wkt, names, reflectance=names[:4])
        item = demo.stac_item(date, scl, file, transform, ring, bbox)
        demo.write_json(file.with_suffix(".json"), item)
        items.append(item)
        demo.write_cog(colour / f"romania_{date}_TCI.tif", [demo.true_colour(pixels[i]) for i in (2, 1, 0)],
                       transform, wkt, ["red", "green", "blue"], rgb=True)
        if number < 2:
            demo.write_cog(origin / f"plain_{date}.tif", [pixels[2]], (5200000.0, 10.0, 0.0, 2800000.0, 0.0, -10.0),
                           wkt, ["red"])
    demo.write_json(scenes / "items.json", {"type": "FeatureCollection", "features": items})
    y, x = numpy.mgrid[0:size // 2, 0:size // 2]
    demo.write_cog(folder / "out/demo/tree_cover_2018.tif", [((x * 7 + y * 11) % 101).astype(numpy.uint8)],
                   (transform[0], 20.0, 0.0, transform[3], 0.0, -20.0), wkt, ["tree_cover"], percent=True)


# --- Blocks -------------------------------------------------------------------------------------


def blocks(text):
    """(line, words of the fence, content) of every fenced block."""
    found, start, fence = [], 0, None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if fence is None and line.startswith("```"):
            fence, start = line[3:].split(), number
        elif fence is not None and line.rstrip() == "```":
            found.append((start + 1, fence, "\n".join(lines[start + 1:number]) + "\n"))
            fence = None
    return found


def matches(expected, printed):
    """Line by line; `...` alone on a line stands for any lines, within a line for anything."""
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None


def shape(text):
    text = re.sub(r"\d+(:\d\d)+", "#", text)
    text = re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", text)
    return re.sub(r"# ([KMGT]i)?B\b", "# bytes", text)


def contains_like(expected, printed):
    wanted = [shape(line).rstrip() for line in expected.strip("\n").splitlines()]
    lines = [shape(line).rstrip() for line in printed.splitlines()]
    return any(lines[at:at + len(wanted)] == wanted for at in range(len(lines) - len(wanted) + 1))


left_running = []  # process groups of blocks, which may have left servers for the next block


def carried_out(command, folder, environment):
    """Output goes to files: a server left in the background would keep a pipe open."""
    with open(folder / "stdout", "w+", encoding="utf-8") as out, open(folder / "stderr", "w+", encoding="utf-8") as err:
        done = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True)
        left_running.append(done.pid)
        done.wait(timeout=120)
        out.seek(0)
        err.seek(0)
        stdout = out.read()
        return done, stdout, stdout + err.read()


def end_what_is_left():
    for group in left_running:
        try:
            os.killpg(group, signal.SIGTERM)
        except ProcessLookupError:
            pass
    left_running.clear()


def run_page(page, binary, folder):
    text = page.read_text(encoding="utf-8")
    runnable = [b for b in blocks(text) if len(b[1]) > 1]
    if not runnable:
        return
    make_scenes(folder)
    environment = dict(os.environ, PATH=f"{folder / 'bin'}:{os.environ['PATH']}", XDG_STATE_HOME=str(folder / "state"),
                       LC_ALL="C.UTF-8")
    (folder / "bin").mkdir()
    (folder / "bin/geoloom").symlink_to(binary)
    for name in ("examples", "tests"):
        (folder / name).symlink_to(ROOT / name)
    stdout = everything = ""
    for line, fence, content in runnable:
        where = f"{page.relative_to(ROOT)}:{line}"
        mark, rest = fence[1], fence[2:]
        if mark in ("output", "like"):
            good = matches(content, stdout) if mark == "output" else contains_like(content, everything)
            check(good, f"{where}: the page says\n{content}but printed was\n{everything}")
            continue
        wanted = 0
        for word in list(rest):
            if word.startswith("exit="):
                wanted = int(word[5:])
                rest.remove(word)
        if fence[0] == "yaml":
            name = rest[0] if rest else "workflow.yaml"
            (folder / name).write_text(content, encoding="utf-8")
            if mark == "save":
                continue
            command = ["geoloom", "run", name]
        else:
            command = ["bash", "-e", "-o", "pipefail", "-c", content]
        check(mark == "run", f"{where}: unknown mark '{mark}'")
        done, stdout, everything = carried_out(command, folder, environment)
        check(done.returncode == wanted, f"{where}: exit code {done.returncode}, not {wanted}:\n{everything}")


# --- What pages say -----------------------------------------------------------------------------


def anchors(text):
    """GitHub's anchors of all headings."""
    found, inside = set(), False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        heading = None if inside else re.match(r"#+\s+(.*)", line)
        if heading:
            plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def check_links(page):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        where = f"{page.relative_to(ROOT)}: the link {target}"
        check(other.exists(), f"{where} leads nowhere")
        if anchor and other.suffix == ".md" and other.exists():
            check(anchor in anchors(other.read_text(encoding="utf-8")), f"{where}: no such heading")


def names_in(source, variable):
    found = re.search(variable + r"\{(.*?)\};", source, re.S)
    return re.findall(r'"([a-z_]+)"', found.group(1)) if found else []


def check_exit_codes(binary):
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    table = {(int(code), name) for code, name in re.findall(r"^\| (\d+) \| (?:`(\w+)` )?\|", page, re.M)}
    header = (ROOT / "src/error/error.h").read_text()
    constants = {name: int(value) for name, value in re.findall(r"int (kExit\w+) = (\d+);", header)}
    rows = re.findall(r'\{ErrorCode::\w+, "(\w+)", RetryClass::\w+, \w+, (\w+), \d+\}',
                      (ROOT / "src/error/error.cpp").read_text())
    check(len(rows) >= 9, "the table of src/error/error.cpp is not found")
    wanted = {(constants[code] if code in constants else int(code), name) for name, code in rows}
    wanted |= {(value, "") for value in constants.values() if value not in {code for code, _ in wanted}}
    check(table == wanted, f"docs/command-line.md, exit codes: the page has {sorted(table)}, the source {sorted(wanted)}")


def help_of(binary, *command):
    return subprocess.run([binary, *command, "--help"], capture_output=True, text=True, check=True).stdout


def subcommands(binary, *command):
    found = re.search(r"Subcommands:\n(.*?)\n\n", help_of(binary, *command), re.S)
    return re.findall(r"^  (\w+)", found.group(1), re.M) if found else []


def check_command_line(binary):
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    for command in subcommands(binary):
        row = re.search(rf"^\| `{command}\b.*", page, re.M)
        check(row, f"docs/command-line.md does not list the command {command}")
        # The options of a command may stand on the page that its row links to.
        linked = re.findall(r"\]\((\S+\.md)\)", row.group()) if row else []
        told = page + "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in linked)
        commands = [(command, sub) for sub in subcommands(binary, command)] or [(command,)]
        for whole in commands:
            if len(whole) > 1:
                check(f"`{' '.join(whole)}" in page, f"docs/command-line.md does not list {' '.join(whole)}")
            for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", help_of(binary, *whole), re.M):
                check(option in told or option == "--help", f"docs/command-line.md does not tell {option} of {' '.join(whole)}")


def check_document_keys():
    page = (ROOT / "docs/document.md").read_text(encoding="utf-8")
    source = "".join((ROOT / "src/workflow" / name).read_text() for name in ("document.cpp", "parameter_declaration.cpp"))
    for variable in ("kDocumentKeys", "kReservedDocumentKeys", "kStepKeys", "kDeclarationKeys", "kTypes"):
        names = names_in(source, variable)
        check(names, f"src/workflow: {variable} is not found")
        for name in names:
            check(f"`{name}" in page, f"docs/document.md does not tell {name} ({variable})")
    area = (ROOT / "src/workflow/area.cpp").read_text()
    for name in re.findall(r'p\.add\("(\w+)"', area):
        check(re.search(rf"`{name}\b", page) or f"{name}:" in page, f"docs/document.md does not tell {name} of the area")


def check_readme(binary):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(content for _, fence, content in blocks(text) if fence[:2] == ["yaml", "run"])
    check(len(first.splitlines()) == 12, "README.md: the document has twelve lines no more")
    ops = {line.split()[0] for line in subprocess.run([binary, "ops"], capture_output=True, text=True).stdout.splitlines()}
    told = set(re.findall(r"\(docs/ops/(\w+)\.md\)", text))
    check(told - {"README"} == ops, f"README.md names the ops {sorted(told)}, the program has {sorted(ops)}")
    check("Contains modified Copernicus Sentinel data" in text, "README.md must state the licence of the data")
    picture = ROOT / "docs/images/demo.png"
    check(picture.exists() and picture.stat().st_size <= 250 << 10, "docs/images/demo.png: missing, or larger than 250 KiB")


def check_reference(binary):
    done = subprocess.run([sys.executable, str(ROOT / "docs/generate_reference.py"), binary, "--check"],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"{done.stdout}{done.stderr}")


def run_examples(binary, folder):
    make_scenes(folder)
    for document in sorted((ROOT / "examples").glob("*/workflow.yaml")):
        name = document.parent.name
        environment = dict(os.environ, XDG_STATE_HOME=str(folder / "state"), **({"GEOLOOM_LIGHTGBM": LIGHTGBM} if LIGHTGBM else {}))
        if name == "eo-grow" and not LIGHTGBM:
            print("examples/eo-grow: not run, LightGBM is not installed")
            continue
        done = subprocess.run([binary, "run", str(document), "--quiet", *OF_GENERATED_SCENES.get(name, [])], cwd=folder, capture_output=True, text=True,
                              timeout=600, env=environment)
        check(done.returncode == 0, f"{document.relative_to(ROOT)}: exit code {done.returncode}\n{done.stderr}")
        for path in done.stdout.split():
            check((folder / path).exists(), f"{document.relative_to(ROOT)}: {path} was named but is not there")
        check((document.parent / "README.md").exists(), f"{document.parent.name} has no README.md")
        for path in re.findall(r"`(out/[\w/-]+\.(?:tif|png|json))`", (document.parent / "README.md").read_text()):
            check((folder / path).exists(), f"examples/{document.parent.name}/README.md names {path}, which is not made")
        if name == "crop-mask":
            assess_example(binary, folder, environment)


def assess_example(binary, folder, environment):
    """The second document of examples/crop-mask, for which somebody has labelled the sample: here as the map says."""
    out = folder / "out/crop-mask"
    shutil.copy(out / "sample.gpkg", out / "labelled.gpkg")
    source = ogr.Open(str(out / "labelled.gpkg"), 1)
    for unit in source.GetLayer(0):
        unit.SetField("label", unit.GetField("mapped"))
        source.GetLayer(0).SetFeature(unit)
    source = None
    done = subprocess.run([binary, "run", str(ROOT / "examples/crop-mask/accuracy.yaml"), "--json", "--quiet", *OF_GENERATED_SCENES["crop-mask"]], cwd=folder,
                          capture_output=True, text=True, timeout=300, env=environment)
    check(done.returncode == 0, f"examples/crop-mask/accuracy.yaml: exit code {done.returncode}\n{done.stderr}")
    if done.returncode == 0:
        accuracy = json.loads(done.stdout)["outputs"]["accuracy"]
        check(accuracy == 1, f"examples/crop-mask/accuracy.yaml: a map labelled by itself has the accuracy {accuracy}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    os.environ.pop("GEOLOOM_CPU_TARGET", None)
    for page in pages():
        check(page.exists(), f"{page.relative_to(ROOT)} is missing")
        if not page.exists():
            continue
        check_links(page)
        for path in re.findall(r"(?<![\w./])/(?:work|root|tmp|home)/\S*", page.read_text(encoding="utf-8")):
            check(False, f"{page.relative_to(ROOT)} names a path of one machine: {path}")
        if page.parent.name != "ops":
            with tempfile.TemporaryDirectory() as folder:
                try:
                    run_page(page, binary, pathlib.Path(folder))
                finally:
                    end_what_is_left()
    with tempfile.TemporaryDirectory() as folder:
        run_examples(binary, pathlib.Path(folder))
    check_exit_codes(binary)
    check_command_line(binary)
    check_document_keys()
    check_readme(binary)
    check_reference(binary)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
