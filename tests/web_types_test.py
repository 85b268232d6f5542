#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The pages of web/ are what TypeScript calls sound; the bundler itself does not look at types."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPILER = ROOT / ".setup/web/node_modules/typescript/bin/tsc"

if not COMPILER.exists() or shutil.which("node") is None:
    print("SKIPPED: Node.js or the packages of web/ are absent; setup/install.sh build makes them")
    sys.exit(77)
process = subprocess.run(["node", str(COMPILER), "-p", str(ROOT / "web/tsconfig.json")], capture_output=True, text=True)
print(process.stdout + process.stderr, end="")
print("1 passed, 0 failed" if process.returncode == 0 else "0 passed, 1 failed")
sys.exit(process.returncode)
