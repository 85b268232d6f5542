#!/usr/bin/env python3
"""Models that LightGBM, XGBoost and scikit-learn have trained and written: the sums, probabilities and classes that
the program makes of their files are those of the libraries.

    model_files_test.py PREDICT_MODEL

model_judge.py trains and compares; it needs the Python packages lightgbm, xgboost, scikit-learn, skl2onnx and onnxruntime.
"""
import pathlib
import subprocess
import sys
import tempfile

JUDGE = pathlib.Path(__file__).with_name("model_judge.py")
PACKAGES = "lightgbm, numpy, onnxruntime, skl2onnx, sklearn, xgboost"


def main():
    python = pathlib.Path(".setup/venv/bin/python")
    if not python.exists() or subprocess.run([python, "-c", f"import {PACKAGES}"], capture_output=True, check=False).returncode != 0:
        print(f"SKIPPED: not all of the Python packages {PACKAGES} are in .setup/venv")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([python, JUDGE, sys.argv[1], folder], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if ": " in line]
    failed = [line for line in lines if not line.endswith("agrees")]
    print("\n".join(failed))
    if done.returncode != 0 and not failed:
        print(done.stderr[-3000:])
        failed = ["the judge"]
    print(f"{len(lines) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
