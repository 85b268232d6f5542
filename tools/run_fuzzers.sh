#!/usr/bin/env bash
# Builds the fuzzers (preset `fuzz`, clang) and runs each for a bounded time:  tools/run_fuzzers.sh SECONDS
# What they learn stays in build/fuzz/corpus/; an input that breaks something is left in build/fuzz/found/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
setup/build.sh fuzz fuzzers
mkdir -p build/fuzz/found
/usr/bin/python3 fuzz/make_seeds.py build/fuzz/seeds
failed=0
while IFS= read -r fuzzer; do
  name=$(basename "$fuzzer")
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  [[ ! -d build/fuzz/seeds/$name ]] || seeds=("build/fuzz/seeds/$name")
  [[ $name != fuzz_document ]] || seeds=(tests/broken_documents)
  echo "-- $name, $seconds s" >&2
  "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
    -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "${seeds[@]}" \
    >"build/fuzz/$name.log" 2>&1 || { tail -n 40 "build/fuzz/$name.log" >&2; failed=1; }
done < <(find build/fuzz -type f -name 'fuzz_*' -executable -not -path '*/CMakeFiles/*' | sort)
exit "$failed"
