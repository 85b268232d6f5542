#!/usr/bin/env bash
# Installs what Geoloom needs on Debian 12: packages through apt (as root, or with sudo), and for the
# tests a Python environment in .setup/venv; what builds the pages in web/ goes to .setup/web.
#
#   setup/install.sh [build|demo|test|stores|lint|fuzz]...       default: build demo test lint
#
# `stores` brings two more object stores on loopback (s3rver, Azurite) into .setup/node: 190 MB, so only
# `make test-full` asks for it; the tests that need it are skipped without.
#
# Run it as often as you like: when nothing is missing it only asks dpkg, and ends within a second.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=$root/.setup

build=(g++ cmake ninja-build ccache pkg-config git make
  libgdal-dev libproj-dev libhwy-dev libcli11-dev nlohmann-json3-dev libyaml-cpp-dev libvalijson-dev
  libfmt-dev libxxhash-dev libssl-dev libcurl4-openssl-dev libboost-dev libdeflate-dev libzstd-dev libtiff-dev liblerc-dev libsimdjson-dev zlib1g-dev libsqlite3-dev libarchive-dev libgtest-dev libgmock-dev)
demo=(ca-certificates python3 python3-pip python3-gdal python3-numpy python3-netcdf4 python3-pil)
test=(gdal-bin chromium curl faketime graphviz openssl python3 python3-venv python3-gdal python3-numpy)
lint=(clang-format clang-tidy python3)
# libFuzzer comes with clang only, and in a package that clang merely recommends.
fuzz=(clang libclang-rt-14-dev)

# The newest packages of a day: what the two pull in is pinned by it.
node_packages=(s3rver@3.7.1 azurite@3.35.0)
node_date=2026-11-01

say() { echo "setup: $*" >&2; }

install_packages() {
  local installed missing=()
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "$package installed" <<<"$installed" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      say "these packages are missing, and only root can install them: ${missing[*]}"
      exit 1
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  # apt's own log is long and of interest only when it fails.
  local log=$state/apt.log
  if ! {
    "${as_root[@]}" apt-get update -q &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "apt could not install them (whole log: $log)"
    exit 1
  fi
}

# The environment is made anew when its list changes: pip alone would leave packages that are no
# longer listed. The stamp is written last, so an interrupted set-up starts again.
make_environment() {
  local list=$root/setup/requirements.txt venv=$state/venv wanted
  wanted="$(sha256sum <"$list") $(/usr/bin/python3 -V) $venv"
  [[ -x $venv/bin/python && $(cat "$venv/stamp" 2>/dev/null) == "$wanted" ]] && return
  say "making the Python environment $venv"
  rm -rf "$venv"
  # /usr/bin/python3 by name: python3 on the PATH may be another one, of another version.
  /usr/bin/python3 -m venv "$venv"
  if ! "$venv/bin/pip" install --disable-pip-version-check -q -r "$list" >"$state/pip.log" 2>&1; then
    tail -n 20 "$state/pip.log" >&2
    say "pip could not install $list (whole log: $state/pip.log)"
    exit 1
  fi
  echo "$wanted" >"$venv/stamp"
}

make_node_environment() {
  local node=$state/node wanted
  wanted="${node_packages[*]} $node_date $(node --version)"
  [[ $(cat "$node/stamp" 2>/dev/null) == "$wanted" ]] && return
  say "installing ${node_packages[*]} into $node"
  rm -rf "$node"
  mkdir -p "$node"
  if ! npm install --prefix "$node" --no-fund --no-audit --no-save --before "$node_date" \
    "${node_packages[@]}" >"$state/npm.log" 2>&1; then
    tail -n 20 "$state/npm.log" >&2
    say "npm could not install them (whole log: $state/npm.log)"
    exit 1
  fi
  echo "$wanted" >"$node/stamp"
}

# The packages of web/, each in the version of its lock file.
make_web_environment() {
  local web=$state/web wanted
  wanted="$(cat "$root/web/package.json" "$root/web/package-lock.json" | sha256sum) $(node --version)"
  [[ $(cat "$web/stamp" 2>/dev/null) == "$wanted" ]] && return
  say "installing the packages of web/ into $web"
  rm -rf "$web"
  mkdir -p "$web"
  cp "$root/web/package.json" "$root/web/package-lock.json" "$web/"
  if ! (cd "$web" && npm ci --no-fund --no-audit --ignore-scripts) >"$state/npm.log" 2>&1; then
    tail -n 20 "$state/npm.log" >&2
    say "npm could not install them (whole log: $state/npm.log)"
    exit 1
  fi
  echo "$wanted" >"$web/stamp"
}

[[ $# -gt 0 ]] || set -- build demo test lint
packages=()
environment=no
node_environment=no
web_environment=no
for group in "$@"; do
  case $group in
    # Not Debian's where there is another Node.js already: npm comes with it.
    build) packages+=("${build[@]}"); web_environment=yes; command -v npm >/dev/null || packages+=(nodejs npm) ;;
    demo) packages+=("${demo[@]}") ;;
    test) packages+=("${test[@]}"); environment=yes ;;
    stores) node_environment=yes; command -v npm >/dev/null || packages+=(nodejs npm) ;;
    lint) packages+=("${lint[@]}") ;;
    fuzz) packages+=("${fuzz[@]}") ;;
    *) say "unknown group '$group': it is one of build, demo, test, stores, lint, fuzz"; exit 2 ;;
  esac
done
if [[ ! -x /usr/bin/dpkg-query ]]; then
  say "this is not Debian; install the counterparts of: ${packages[*]}"
  exit 1
fi
mkdir -p "$state"
# Two terminals may both start a set-up; the second waits for the first and finds nothing to do.
exec 9>"$state/lock"
flock 9
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u | sed '/^$/d')
[[ ${#packages[@]} -eq 0 ]] || install_packages "${packages[@]}"
if [[ $environment == yes ]]; then make_environment; fi
if [[ $web_environment == yes ]]; then make_web_environment; fi
if [[ $node_environment == yes ]]; then make_node_environment; fi
