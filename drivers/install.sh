#!/bin/sh
# Puts Chrome and ChromeDriver on this machine through its package manager. Where they are already, it does nothing.
# Where it can't, it says what to install, and exits with 1.
#
#   drivers/install.sh               Chrome and ChromeDriver
#   drivers/install.sh grid          Java and the Selenium server, for drivers/grid/start.sh
#   drivers/install.sh venv PACKAGE  the package that Debian's and Ubuntu's Python lacks to make environments
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

found() { # found NAME...: true if one of them is an executable of drivers/bin or on PATH
    for name in "$@"; do
        if [ -x "$here/bin/$name" ] || command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

have_chrome() {
    [ -x "${AURA_BROWSER_CHROME:-}" ] || [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ] ||
        found google-chrome google-chrome-stable chromium chromium-browser chrome
}

have_driver() { [ -x "${AURA_BROWSER_DRIVER:-}" ] || found chromedriver chromium.chromedriver; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "drivers/install.sh: neither root nor sudo, so nothing can be installed. As root, run: $*" >&2
        exit 1
    fi
}

manual() {
    echo "drivers/install.sh: $1" >&2
    echo "Install Chrome or Chromium and a ChromeDriver of the same major version yourself, then either have them on" >&2
    echo "PATH, or put chromedriver into drivers/bin, or set AURA_BROWSER_CHROME and AURA_BROWSER_DRIVER." >&2
    exit 1
}

apt_install() {
    echo "Installing $* …" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "${1:-}" = venv ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "This Python can't make environments: it lacks ensurepip." >&2; exit 1; }
    as_root apt-get update -qq
    apt_install "$2"
    exit 0
fi

if [ "${1:-}" = grid ]; then
    missing=
    java -version >/dev/null 2>&1 || missing=default-jre-headless
    "$here/grid/jar.sh" >/dev/null 2>&1 || found npm || missing="$missing npm"
    if [ -n "$missing" ]; then
        command -v apt-get >/dev/null 2>&1 || { echo "Install Java (17 or newer) and npm, then start this again." >&2; exit 1; }
        as_root apt-get update -qq
        # shellcheck disable=SC2086 # a list of names
        apt_install $missing
    fi
    "$here/grid/jar.sh"
    exit 0
fi

if have_chrome && have_driver; then exit 0; fi

# Chromium's driver is of Chromium's version, and does not fit a Google Chrome.
if have_chrome && ! found chromium chromium-browser; then
    echo "Chrome is there without a ChromeDriver: Selenium downloads the one that fits at the first harvest." >&2
    exit 0
fi

if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    # Ubuntu has the driver, and with it the browser, under another name.
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
    manual "no package manager that it knows (apt-get, dnf, brew)."
fi

have_chrome && have_driver || manual "the packages were installed, but Chrome or ChromeDriver is still not found."
