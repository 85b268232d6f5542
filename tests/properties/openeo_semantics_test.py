#!/usr/bin/env python3
"""Reducers and expressions against the public test cases of the openEO processes of the same names.

    openeo_semantics_test.py OPENEO_VALUES

The cases ask for ten digits, so they are put to the double instantiation of the kernels, which the program
openeo_values answers for. Cases that cubes cannot have (texts, nested lists, NaN that is not missing) are left out,
each with its reason; the test fails when more are left out than are known here.
"""
import collections
import json
import math
import os
import pathlib
import subprocess
import sys

NODATA = {"type": "nodata"}
# process -> expression over its arguments
EXPRESSIONS = {
    "absolute": "abs(x)", "add": "x + y", "subtract": "x - y", "multiply": "x * y", "divide": "x / y", "mod": "x % y",
    "power": "base ^ p", "sqrt": "sqrt(x)", "exp": "exp(p)", "ln": "ln(x)", "log": "log(x, base)", "sin": "sin(x)",
    "cos": "cos(x)", "tan": "tan(x)", "arcsin": "arcsin(x)", "arccos": "arccos(x)", "arctan": "arctan(x)",
    "arctan2": "arctan2(y, x)", "sinh": "sinh(x)", "cosh": "cosh(x)", "tanh": "tanh(x)", "arsinh": "arsinh(x)",
    "arcosh": "arcosh(x)", "artanh": "artanh(x)", "floor": "floor(x)", "ceil": "ceil(x)", "int": "int(x)",
    "round": "round(x, p)", "sgn": "sgn(x)", "clip": "clip(x, min, max)", "gt": "x > y", "gte": "x >= y", "lt": "x < y",
    "lte": "x <= y", "eq": "x == y", "neq": "x != y", "and": "x > 0 and y > 0", "or": "x > 0 or y > 0",
    "xor": "x > 0 xor y > 0", "not": "not x > 0", "is_nan": "is_nan(x)", "is_infinite": "is_infinite(x)",
    "is_valid": "is_valid(x)", "is_nodata": "not (is_valid(x) or is_nan(x) or is_infinite(x))", "e": "e()", "pi": "pi()",
    "nan": "nan()", "between": "between(x, min, max)", "normalized_difference": "normalized_difference(x, y)",
    "linear_scale_range": "linear_scale_range(x, inputMin, inputMax, outputMin, outputMax)",
    "if": "if(value > 0, accept, reject)",
}
DEFAULTS = {"linear_scale_range": {"outputMin": 0, "outputMax": 1}, "round": {"p": 0}, "if": {"reject": NODATA}}
LOGICAL = {"and": ("x", "y"), "or": ("x", "y"), "xor": ("x", "y"), "not": ("x",), "if": ("value",)}
REDUCERS = ["mean", "median", "sd", "variance", "min", "max", "sum", "product", "count", "first", "last", "quantiles",
            "extrema"]


# Where the cases contradict IEEE 754, which decides here.
CONTRADICTIONS = {
    ("lte", 15): "infinity <= infinity holds, as infinity == infinity does",
    ("product", 10): "-infinity * infinity is -infinity",
}


class LeftOut(Exception):
    """A case that does not apply, and why."""


def number(value, process):
    if value == NODATA or value is None:
        return None
    if isinstance(value, bool):
        raise LeftOut("true and false are no numbers here")
    if not isinstance(value, (int, float)):
        raise LeftOut("texts, lists and objects are no samples")
    if math.isnan(value):
        if process in REDUCERS:
            raise LeftOut("a series has no NaN: what is NaN in a file is missing")
        return "nan"
    return value if math.isfinite(value) else "inf" if value > 0 else "-inf"


def truth(value):
    if value == NODATA or value is None:
        return None
    if not isinstance(value, bool):
        raise LeftOut("texts, lists and objects are no samples")
    return 1 if value else 0


def expression_question(process, arguments):
    text = EXPRESSIONS[process]
    values = dict(DEFAULTS.get(process, {}))
    values.update(arguments)
    if values.pop("delta", None) is not None:
        raise LeftOut("comparisons have no delta: write abs(x - y) <= 0.1")
    if "case_sensitive" in values:
        raise LeftOut("texts, lists and objects are no samples")
    if process == "between" and values.pop("exclude_max", False):
        text = "x >= min and x < max"
    if process == "clip" and isinstance(values["min"], (int, float)) and values["min"] > values["max"]:
        raise LeftOut("limits that are swapped are no error: they may be bands")
    logical = LOGICAL.get(process, ())
    return [{"expression": text,
             "values": {name: truth(value) if name in logical else number(value, process)
                        for name, value in values.items()}}]


def reduce_questions(process, arguments):
    if "condition" in arguments:
        raise LeftOut("counts have no condition: count a band made by expr")
    data = [number(value, process) for value in arguments["data"]]
    # All samples are needed: the same as as many as there are.
    least = 1 if arguments.get("ignore_nodata", True) else max(1, len(data))
    question = {"reduce": process, "data": data, "min_count": least}
    if process == "extrema":
        return [dict(question, reduce="min"), dict(question, reduce="max")]
    if process == "quantiles":
        shares = arguments["probabilities"]
        if isinstance(shares, int):
            shares = [i / shares for i in range(1, shares)]
        return [dict(question, reduce="quantile", q=share) for share in shares]
    return [question]


def same(expected, found, delta):
    if expected == NODATA or expected is None:
        return found is None or found == "nan"
    if found is None:  # a pixel that is no number is invalid
        return isinstance(expected, float) and math.isnan(expected)
    if isinstance(expected, bool):
        return found == (1 if expected else 0)
    found = float(found)
    if math.isnan(expected):
        return math.isnan(found)
    if math.isinf(expected):
        return found == expected
    return abs(found - expected) <= max(delta, 1e-10 * max(1, abs(expected)))


def cases(folder):
    import json5
    for process in sorted(list(EXPRESSIONS) + REDUCERS):
        file = folder / f"{process}.json5"
        for index, test in enumerate(json5.loads(file.read_text(encoding="utf-8"))["tests"]):
            yield process, index, test


def questions_of(process, test):
    if "throws" in test and "returns" not in test:
        if process == "clip":
            raise LeftOut("limits that are swapped are no error: they may be bands")
        raise LeftOut("an error of arguments that no document can give")
    ask = reduce_questions if process in REDUCERS else expression_question
    return ask(process, test.get("arguments", {}))


def main():
    data = os.environ.get("GEOLOOM_TEST_DATA")
    if not data:
        print("SKIPPED: GEOLOOM_TEST_DATA is not set")
        return 77
    try:
        import json5  # noqa: F401
    except ImportError:
        python = pathlib.Path(".setup/venv/bin/python")
        if sys.executable != str(python.absolute()) and python.exists():
            return subprocess.run([str(python.absolute()), *sys.argv], check=False).returncode
        print("SKIPPED: the Python package json5 is not installed")
        return 77
    asked, questions, left_out = [], [], collections.Counter()
    for process, index, test in cases(pathlib.Path(data) / "openeo-process-tests"):
        try:
            if (process, index) in CONTRADICTIONS:
                raise LeftOut(CONTRADICTIONS[process, index])
            mine = questions_of(process, test)
        except LeftOut as reason:
            left_out[str(reason)] += 1
            continue
        asked.append((process, index, test, len(mine)))
        questions += mine
    done = subprocess.run([sys.argv[1]], input=json.dumps(questions), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr)
        return 1
    answers = iter(json.loads(done.stdout))
    failed = 0
    for process, index, test, count in asked:
        found = [next(answers) for _ in range(count)]
        expected = test.get("returns")
        expected = expected if process in ("quantiles", "extrema") else [expected]
        if len(expected) == count and all(same(e, f, test.get("delta", 0)) for e, f in zip(expected, found)):
            continue
        failed += 1
        print(f"{process}[{index}] {test['arguments']}: expected {expected}, got {found}")
    for reason, count in sorted(left_out.items()):
        print(f"left out {count}: {reason}")
    print(f"{len(asked) - failed} passed, {failed} failed")
    return 1 if failed or len(asked) < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
