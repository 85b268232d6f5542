#!/usr/bin/env bash
# Runs the tests by stages, each to its end whatever the others do, then tells what passed, failed and
# was skipped, and why. Exits 1 when anything failed or could not be built.
#
#   tools/run_tests.sh STAGE...
#
#   release  all tests but those of the labels smoke and full
#   smoke    label smoke: the binary as users run it
#   asan     label unit, under AddressSanitizer and UBSan
#   full     label full; the push worker under AddressSanitizer
#   tsan     label unit of the modules with threads, under ThreadSanitizer
#   fuzz     every fuzzer, for FUZZ_SECONDS (60)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
results=$PWD/build/test-results
jobs=$(nproc)
stages=" $* "
for name in "$@"; do
  [[ " release smoke asan full tsan fuzz " == *" $name "* ]] || {
    echo "tools/run_tests.sh: '$name' is no stage; there are: release smoke asan full tsan fuzz" >&2
    exit 2
  }
done
wanted() { [[ $stages == *" $1 "* ]]; }
export PATH="$PWD/.setup/venv/bin:$PATH" VIRTUAL_ENV="$PWD/.setup/venv"  # where boosting libraries are looked for
rm -rf "$results"
mkdir -p "$results"

# Stage NAME COMMAND...: one that fails without a ctest report is counted as one failed test.
stage() {
  local name=$1
  shift
  echo "== $name" >&2
  "$@" && return 0
  [[ -e $results/$name.xml ]] || echo "$name" >>"$results/broken"
  return 1
}

# A test that is no ctest: one that passed, or one that failed.
single() { stage "$@" && echo "$1" >>"$results/held"; }

run_ctest() {
  local name=$1 preset=$2
  shift 2
  stage "$name" ctest --test-dir "build/$preset" --output-on-failure --no-tests=ignore -j "$jobs" \
    --output-junit "$results/$name.xml" --progress "$@"
}

# Only what libraries do by design is suppressed; the reasons stand beside each line.
export UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS=detect_stack_use_after_return=1
export LSAN_OPTIONS=suppressions=$PWD/tools/sanitizers/leak.supp:print_suppressions=0
export TSAN_OPTIONS=suppressions=$PWD/tools/sanitizers/thread.supp

if wanted release || wanted smoke || wanted full; then
  stage build-release setup/build.sh release && built=yes
fi
if wanted release && [[ ${built:-} ]]; then
  run_ctest release release -LE '^(smoke|full)$'
fi
if wanted smoke && [[ ${built:-} ]]; then
  # These wait a good part of their time, for servers that are slow on purpose.
  jobs=$((jobs + 1)) run_ctest smoke release -L '^smoke$'
fi
if wanted asan && stage build-asan setup/build.sh asan unit_tests; then
  run_ctest asan asan -L '^unit$' -E '^cli_test'
fi
if wanted full; then
  [[ ! ${built:-} ]] || run_ctest full release -L '^full$'
  # A leak or a stray access of the worker shows when it ends, in its exit code.
  stage build-worker-asan setup/build.sh asan geoloom &&
    single worker-asan /usr/bin/python3 tests/properties/push_worker_test.py build/asan/geoloom --sanitized
fi
if wanted tsan; then
  threaded=(engine store raster gdal http serve)
  if stage build-tsan setup/build.sh tsan "${threaded[@]/%/_test}"; then
    run_ctest tsan tsan -L '^unit$' -R "^($(IFS='|'; echo "${threaded[*]}"))_test/"
  fi
fi
if wanted fuzz; then
  single fuzz tools/run_fuzzers.sh "${FUZZ_SECONDS:-60}"
fi
exec /usr/bin/python3 tools/count_tests.py "$results"
