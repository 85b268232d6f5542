#!/usr/bin/python3
"""Fails on what would make a kernel's bytes depend on the CPU, the compiler or the C library. Run without
arguments it first tests itself, and then checks src/kernels/ and every CMake file.

Banned in kernels: fused multiply-add (rounds once where two operations round twice), approximate
reciprocals and roots (differ between CPUs), reductions across lanes (their order depends on the vector's
width), the functions of libm except those that IEEE 754 fixes exactly (sqrt, floor, fmod ...), and whatever
lets the compiler bring these back. Tests and benchmarks beside the kernels may compare with libm.
"""
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

LIBM = ("exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sincos|asin|acos|atan|atan2|sinh|cosh|tanh|"
        "asinh|acosh|atanh|hypot|cbrt|erf|erfc|tgamma|lgamma")

FUSED = "a fused multiply-add rounds once: write a * b + c"
APPROXIMATE = "approximations differ between CPUs: divide, or take the exact root"
ACROSS_LANES = "a reduction across lanes depends on their number: one pixel per lane"
CONTRACTION = "this lets the compiler fuse or reorder arithmetic"
BANNED = [
    (r"\b(Neg)?Mul(Add|Sub|AddSub|SubAdd)\b|\bReorderWidenMulAccumulate\b|\bRearrangeToOddPlusEven\b", FUSED),
    (r"\bfma[fl]?\s*\(|\b__builtin_fma[fl]?\b|\b_mm\d*_(mask_|maskz_)?fn?m(add|sub)\w*|\bvfm[as]q?\w*", FUSED),
    (r"\bApproximateReciprocal(Sqrt)?\b|\b_mm\d*_(rcp|rsqrt)\w*|\bvr(ecp|sqrt)[es]q?_\w*", APPROXIMATE),
    (r"\b(Sum|Min|Max)OfLanes\b|\bReduce(Sum|Min|Max)\b|\bSumsOf(2|4|8)\b|\b_mm\d*_(mask_)?reduce_\w*", ACROSS_LANES),
    (r"\bstd::(transform_)?reduce\b|\bstd::execution\b|#\s*pragma\s+omp\b", "the order of such a reduction is open"),
    (r"#\s*pragma\s+STDC\s+FP_CONTRACT\s+ON|#\s*pragma\s+clang\s+fp\b|#\s*pragma\s+GCC\s+optimize", CONTRACTION),
    (r"\boptimize\s*\(", CONTRACTION),
    (r"hwy/contrib/(math|dot|algo|unroller)", "Highway's math uses fused multiply-adds: write the polynomial"),
]
LIBM_CALL = (r"(?<![\w.>])(?:std\s*::\s*|::\s*)?(?:" + LIBM + r")[fl]?\s*\(",
             "libm differs between versions: use a polynomial of our own")
BANNED_FLAGS = re.compile(
    r"-(ffast-math|Ofast|funsafe-math-optimizations|fassociative-math|freciprocal-math|ffinite-math-only|"
    r"fno-signed-zeros|fno-rounding-math|ffp-contract=(fast|on)|ffp-model=(fast|aggressive))\b")

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.S)


def without_comments(text):
    """The same lines with comments and string literals blanked, but for what is included."""
    def blank(found):
        line_start = text.rfind("\n", 0, found.start()) + 1
        if re.match(r"\s*#\s*include", text[line_start:found.start()]) and found.group().startswith('"'):
            return found.group()
        return re.sub(r"[^\n]", " ", found.group())
    return COMMENT_OR_TEXT.sub(blank, text)


def faults(root):
    kernels = root / "src" / "kernels"
    sources = sorted(path for path in kernels.rglob("*") if path.suffix in (".h", ".cpp", ".hpp", ".inc"))
    for file in sources:
        compares = file.stem.endswith(("_test", "_bench"))
        text = without_comments(file.read_text(encoding="utf-8"))
        for pattern, reason in BANNED + ([] if compares else [LIBM_CALL]):
            for found in re.finditer(pattern, text):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{file.relative_to(root)}:{line}: {found.group().strip()}: {reason}"
    contraction_off = False
    for file in cmake_files(root):
        text = re.sub(r"#[^\n]*", "", file.read_text(encoding="utf-8"))
        contraction_off = contraction_off or "-ffp-contract=off" in text
        for found in BANNED_FLAGS.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{file.relative_to(root)}:{line}: {found.group()}: {CONTRACTION}"
    if not contraction_off:
        yield "CMakeLists.txt:1: no CMake file says -ffp-contract=off"


def cmake_files(root):
    skipped = {"build", "out", ".setup", ".git", "node_modules"}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(names):
            if name in ("CMakeLists.txt", "CMakePresets.json") or name.endswith(".cmake"):
                yield pathlib.Path(folder) / name


def test_itself():
    good = """
        // std::exp(x) would be wrong here, and so would MulAdd.
        /* SumOfLanes(d, v) */
        const char* text = "std::pow(";
        auto y = hn::Add(hn::Mul(a, b), c); float r = std::sqrt(x); double f = std::floor(x) + ExpPolynomial(x);
        auto z = model.log(x); catalog(x); my_exp(x); Log2Polynomial(x); std::abs(x); std::fmod(x, y);
    """
    lines = [
        "hn::MulAdd(a, b, c)", "hn::NegMulAdd(a, b, c)", "MulSub(a,b,c)", "NegMulSub(a,b,c)", "std::fma(a, b, c)",
        "fmaf(a, b, c)", "_mm256_fmadd_ps(a, b, c)", "ApproximateReciprocal(v)", "ApproximateReciprocalSqrt(v)",
        "SumOfLanes(d, v)", "hn::ReduceSum(d, v)", "MinOfLanes(d, v)", "MaxOfLanes(d, v)", "std::exp(x)", "expf(x)",
        "::log(x)", "std::log2f(x)", "pow(x, 2)", "std::sin (x)", "cosf(x)", "tan(x)", "std::atan2(y, x)",
        "hypot(x, y)", "std::cbrt(x)", "std::reduce(a, b)", "#pragma STDC FP_CONTRACT ON",
        '#pragma GCC optimize("fast-math")', '#include "hwy/contrib/math/math-inl.h"',
        "#include <hwy/contrib/math/math-inl.h>", "__attribute__((optimize(3))) void f();",
    ]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "src/kernels").mkdir(parents=True)
        (root / "build").mkdir()
        (root / "build/CMakeLists.txt").write_text("add_compile_options(-ffast-math)\n")
        (root / "CMakeLists.txt").write_text("# not -ffast-math\nadd_compile_options(-ffp-contract=off)\n")
        file = root / "src/kernels/k.cpp"
        file.write_text(good)
        unexpected = list(faults(root))
        if unexpected:
            sys.exit(f"kernel_lint_test does not work, it rejects what is good: {unexpected}")
        for line in lines:
            file.write_text("int a;\n" + line + "\n")
            if not any(fault.startswith("src/kernels/k.cpp:2:") for fault in faults(root)):
                sys.exit(f"kernel_lint_test does not work, it accepts {line}")
        file.unlink()
        (root / "src/kernels/k_test.cpp").write_text("std::exp(x)\n")
        if list(faults(root)):
            sys.exit("kernel_lint_test does not work, it refuses libm to a test")
        (root / "src/kernels/k_test.cpp").write_text("std::fma(x, y, z)\n")
        if len(list(faults(root))) != 1:
            sys.exit("kernel_lint_test does not work, it lets a test fuse")
        (root / "src/kernels/k_test.cpp").unlink()
        for flag in ("-ffast-math", "-Ofast", "-ffp-contract=fast"):
            (root / "x.cmake").write_text(f"add_compile_options(\n  {flag})\n")
            if not any(fault.startswith("x.cmake:2:") for fault in faults(root)):
                sys.exit(f"kernel_lint_test does not work, it accepts {flag}")
        (root / "x.cmake").unlink()
        (root / "CMakeLists.txt").write_text("# -ffp-contract=off\n")
        if len(list(faults(root))) != 1:
            sys.exit("kernel_lint_test does not work, it misses a missing -ffp-contract=off")


if __name__ == "__main__":
    test_itself()
    all_faults = list(faults(ROOT))
    print("\n".join(all_faults) if all_faults else "kernels: nothing banned")
    sys.exit(1 if all_faults else 0)
