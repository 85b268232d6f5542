#!/usr/bin/env bash
# All checks that read sources and change nothing. clang-tidy is slow, so a source that passed is looked
# at again only when it, a header, or the rules changed; --all looks at everything.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=0
mapfile -t sources < <(git ls-files -co --exclude-standard -- '*.h' '*.cpp')

echo "== clang-format" >&2
printf '%s\n' "${sources[@]}" | xargs -r clang-format --dry-run -Werror || failed=1

echo "== layers, kernels" >&2
/usr/bin/python3 tests/layers_test.py || failed=1
/usr/bin/python3 tests/kernel_lint_test.py || failed=1

echo "== clang-tidy" >&2
# clang reads no headers that GCC has precompiled, and should see what a source forgot to include.
plain=build/lint
cmake --preset release -B "$plain" -DGEOLOOM_PRECOMPILED=OFF -DGEOLOOM_BATCHED=OFF >/dev/null || exit 1
passed=build/tidy
[[ ${1:-} != --all ]] || rm -rf "$passed"
mkdir -p "$passed"
rules=$({ cat .clang-tidy; printf '%s\n' "${sources[@]}" | grep '\.h$' | xargs -r cat; } | sha256sum | cut -c1-16)
# Only what the build compiles: clang-tidy needs the flags of each source.
tidy_one() {
  local stamp
  stamp=$2/$(cat "$1" <(echo "$1 $3") | sha256sum | cut -c1-32)
  [[ ! -e $stamp ]] || return 0
  local log
  # GCC's warning flags are in the compile commands; clang need not know them all.
  if log=$(clang-tidy -p build/lint --quiet --warnings-as-errors='*' \
    --extra-arg=-Wno-unknown-warning-option "$1" 2>&1); then
    touch "$stamp"
  else
    grep -v 'warnings\? generated\|warnings treated as errors' <<<"$log"
    return 1
  fi
}
export -f tidy_one
/usr/bin/python3 - <<'EOF' | xargs -r -P "$(nproc)" -I{} bash -c 'tidy_one "$@"' - {} "$passed" "$rules" || failed=1
import json, os
for entry in json.load(open("build/lint/compile_commands.json")):
    path = os.path.relpath(entry["file"])
    if not path.startswith(("build/", "..")):
        print(path)
EOF
if [[ $failed -ne 0 ]]; then
  echo "lint: something to mend, see above" >&2
else
  echo "lint: clean" >&2
fi
exit "$failed"
