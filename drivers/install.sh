#!/bin/sh
# Installs what is missing on this machine, all in one go, with the system's package manager. It says first what it will
# install. If it can't, it says in one line what is missing and what root has to run, and exits with 1.
#
#   drivers/install.sh              Chrome and ChromeDriver
#   drivers/install.sh all PYTHON   both, and what this Python needs for virtual environments
#   drivers/install.sh venv PYTHON  the latter alone
#   drivers/install.sh grid         Java and the Selenium server, for drivers/grid/start.sh
#   drivers/install.sh tests        Chrome, the Grid, and the programs that only tests use; updates apt's list of packages
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
packages= # of apt-get
words=    # what they bring

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

# Chrome's sandbox needs user namespaces, or else Chromium's helper with the set-user-ID bit. Root has no sandbox.
needs_sandbox() {
    [ "$(uname)" = Linux ] && [ "$(id -u)" -ne 0 ] && command -v unshare >/dev/null 2>&1 &&
        ! unshare --user true 2>/dev/null && [ ! -u "${CHROME_DEVEL_SANDBOX:-/usr/lib/chromium/chrome-sandbox}" ]
}

need() { # need WORDS PACKAGE...: remember what is missing, once
    case "$packages " in *" $2 "*) return 0 ;; esac
    words="${words:+$words, }$1"
    shift
    packages="$packages $*"
}

need_venv() { # need_venv PYTHON: Debian and Ubuntu package ensurepip separately
    if "$1" -c 'import ensurepip' 2>/dev/null; then return 0; fi
    command -v apt-get >/dev/null 2>&1 ||
        fail "$1 can't create virtual environments: ensurepip is missing. Install it, or choose another Python with: make PYTHON=..."
    need "venv of $1" "$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
}

need_browser() {
    if ! have_chrome || ! have_driver; then
        # Chromium's driver has Chromium's version, and does not match a Google Chrome.
        if have_chrome && ! has_program chromium chromium-browser; then
            echo "Chrome is installed without ChromeDriver: Selenium downloads the matching one at the first harvest." >&2
            return 0
        fi
        if grep -qs '^ID=ubuntu' /etc/os-release; then
            need "Chrome and ChromeDriver" chromium-browser chromium-chromedriver
        else
            need "Chrome and ChromeDriver" chromium chromium-driver
        fi
    fi
    if has_apt && ! has_program google-chrome google-chrome-stable && needs_sandbox; then need "Chrome's sandbox" chromium-sandbox; fi
}

need_grid() {
    java -version >/dev/null 2>&1 || need Java default-jre-headless
    "$here/grid/jar.sh" >/dev/null 2>&1 || has_program npm || need npm npm
}

need_test_programs() {
    for program in redis-server tinyproxy microsocks curl wget age; do has_program "$program" || need "$program" "$program"; done
    has_program aria2c || need aria2 aria2
    has_program ssh-keygen || need ssh-keygen openssh-client
    for program in less vim; do has_program "$program" || need "$program" "$program"; done
    has_program Xvfb || need Xvfb xvfb
    has_program certutil || need certutil libnss3-tools
    has_program npm || need npm npm nodejs
    php -r 'exit(count(array_diff(["mbstring", "xml", "intl", "pdo_sqlite"], get_loaded_extensions())));' >/dev/null 2>&1 ||
        need PHP php-cli php-mbstring php-xml php-intl php-sqlite3
    # Not the package apache2: that starts a server.
    { has_program apache2 && has_program htpasswd; } || need Apache apache2-bin apache2-utils
    for program in git zsh fish; do has_program "$program" || need "$program" "$program"; done
}

has_apt() { command -v apt-get >/dev/null 2>&1; }

fail() {
    echo "drivers/install.sh: $1" >&2
    exit 1
}

install_missing() {
    if [ -z "$packages" ]; then return 0; fi
    packages=${packages# }
    if has_apt; then
        commands="apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages"
        shown="apt-get update && apt-get install -y --no-install-recommends $packages"
    elif command -v dnf >/dev/null 2>&1; then
        packages=$(echo "$packages" | sed 's/chromium-driver/chromedriver/')
        commands="dnf install -y -q $packages"
        shown=$commands
    elif command -v brew >/dev/null 2>&1 && [ "$packages" = "chromium chromium-driver" ]; then
        echo "Installing Chrome and ChromeDriver with Homebrew …" >&2
        brew install --cask google-chrome chromedriver
        return
    else
        fail "missing: $words. There is no apt-get, dnf or brew here, so install them yourself (Chrome and ChromeDriver: put both on PATH, or chromedriver into drivers/bin, or set AURA_BROWSER_CHROME and AURA_BROWSER_DRIVER)."
    fi
    as_root="As root, run: $shown"
    if [ "$(id -u)" -eq 0 ]; then
        echo "Missing: $words. Installing $packages; this can take some minutes …" >&2
        sh -c "$commands" >/dev/null || fail "the installation failed. $as_root"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        echo "Missing: $words. Installing $packages with sudo; this can take some minutes …" >&2
        sudo -n sh -c "$commands" >/dev/null || fail "the installation failed. $as_root"
    elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
        echo "Missing: $words. Installing $packages needs root, so sudo asks for your password; then it can take some minutes." >&2
        sudo -p "[sudo] your password, to install them: " sh -c "$commands" >/dev/null || fail "nothing was installed. $as_root"
    else
        fail "missing: $words. $as_root"
    fi
}

# tests/apps downloads a package of Debian as this user, and a list that is missing or old does not lead to it.
update_list() {
    if ! has_apt; then return 0; fi
    if [ "$(id -u)" -eq 0 ]; then
        apt-get update -qq >/dev/null || fail "the list of packages can't be updated. Run: apt-get update"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n apt-get update -qq >/dev/null || fail "the list of packages can't be updated. As root, run: apt-get update"
    else
        echo "The list of packages was not updated; if a test can't download one, run as root: apt-get update" >&2
    fi
}

case "${1:-}" in
all) need_venv "$2" && need_browser ;;
venv) need_venv "$2" ;;
grid) need_grid ;;
tests)
    need_browser
    need_test_programs
    need_grid
    ;;
*) need_browser ;;
esac
install_missing
if [ "${1:-}" = tests ] && [ -z "$packages" ]; then update_list; fi
case "${1:-}" in
grid | tests) "$here/grid/jar.sh" ;;
venv) ;;
*)
    case "$packages" in
    *chrom*) { have_chrome && have_driver; } || fail "the packages were installed, but Chrome or ChromeDriver is still not found." ;;
    esac
    ;;
esac
