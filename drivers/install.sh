#!/bin/sh
# Installs Chrome and ChromeDriver with the system's package manager, unless they are installed already. If that is not
# possible, it says what to install and exits with 1.
#
#   drivers/install.sh               Chrome and ChromeDriver
#   drivers/install.sh grid          Java and the Selenium server, for drivers/grid/start.sh
#   drivers/install.sh venv PACKAGE  the package with Python's venv on Debian and Ubuntu
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

has_program() { # has_program NAME...: true if one of them is an executable in drivers/bin or on PATH
    for name in "$@"; do
        if [ -x "$here/bin/$name" ] || command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

have_chrome() {
    [ -x "${AURA_BROWSER_CHROME:-}" ] || [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ] ||
        has_program google-chrome google-chrome-stable chromium chromium-browser chrome
}

have_driver() { [ -x "${AURA_BROWSER_DRIVER:-}" ] || has_program chromedriver chromium.chromedriver; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "drivers/install.sh: not root, and sudo is missing, so nothing can be installed. As root, run: $*" >&2
        exit 1
    fi
}

fail() {
    echo "drivers/install.sh: $1" >&2
    echo "Install Chrome or Chromium and a ChromeDriver of the same major version yourself. Then put them on PATH, or put" >&2
    echo "chromedriver into drivers/bin, or set AURA_BROWSER_CHROME and AURA_BROWSER_DRIVER." >&2
    exit 1
}

apt_install() {
    echo "Installing $* …" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "${1:-}" = venv ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "This Python can't create virtual environments: ensurepip is missing. Install it first." >&2; exit 1; }
    as_root apt-get update -qq
    apt_install "$2"
    exit 0
fi

if [ "${1:-}" = grid ]; then
    missing=
    java -version >/dev/null 2>&1 || missing=default-jre-headless
    "$here/grid/jar.sh" >/dev/null 2>&1 || has_program npm || missing="$missing npm"
    if [ -n "$missing" ]; then
        command -v apt-get >/dev/null 2>&1 || { echo "Install Java (17 or newer) and npm, then run this again." >&2; exit 1; }
        as_root apt-get update -qq
        # shellcheck disable=SC2086 # a list of names
        apt_install $missing
    fi
    "$here/grid/jar.sh"
    exit 0
fi

if have_chrome && have_driver; then exit 0; fi

# Chromium's driver has Chromium's version, and does not match a Google Chrome.
if have_chrome && ! has_program chromium chromium-browser; then
    echo "Chrome is installed without ChromeDriver: Selenium downloads the matching one at the first harvest." >&2
    exit 0
fi

if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    # Ubuntu has the driver and the browser under other names.
    if apt-cache show chromium-driver >/dev/null 2>&1; then
        apt_install chromium chromium-driver
    else
        apt_install chromium-browser chromium-chromedriver
    fi
elif command -v dnf >/dev/null 2>&1; then
    as_root dnf install -y -q chromium chromedriver
elif command -v brew >/dev/null 2>&1; then
    brew install --cask google-chrome chromedriver
else
    fail "found no supported package manager (apt-get, dnf, brew)."
fi

have_chrome && have_driver || fail "the packages were installed, but Chrome or ChromeDriver is still not found."
