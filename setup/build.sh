#!/usr/bin/env bash
# Configures a preset when that is needed, and builds it:  setup/build.sh PRESET [TARGET]...
#
# Warnings are errors here, because setup/install.sh has fixed the compiler; WERROR=OFF in the
# environment turns that off. `cmake --preset` by hand leaves it off.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
shift
build=build/$preset
options=(-DGEOLOOM_WERROR="${WERROR:-ON}")

# Ninja re-runs CMake by itself when a CMakeLists.txt changes; presets and options it does not see.
# The folder is part of it: a checkout that was moved has to be configured anew.
wanted="$(sha256sum <CMakePresets.json) ${options[*]} $PWD"
if [[ ! -e $build/build.ninja || $(cat "$build/configured" 2>/dev/null) != "$wanted" ]]; then
  mkdir -p "$build"
  fresh=()
  [[ $(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt" 2>/dev/null) == "$PWD" ]] ||
    fresh=(--fresh)
  if ! cmake "${fresh[@]}" --preset "$preset" "${options[@]}" >"$build/configure.log" 2>&1; then
    cat "$build/configure.log" >&2
    exit 1
  fi
  echo "$wanted" >"$build/configured"
fi
# What one checkout compiled serves another: names of files are relative to the checkout for ccache.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")
exec cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}"
