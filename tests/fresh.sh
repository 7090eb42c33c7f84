#!/usr/bin/env bash
# The first hour on bare machines: makes Debian 12, 13 and testing with debootstrap, clones the last commit there, and
# walks what README says, as root, as a user without root, and as a user with sudo.
#
#   tests/fresh.sh                          all machines, all people
#   tests/fresh.sh bookworm-user ...        these alone
#   FRESH_TESTS=fast tests/fresh.sh         with "make test-fast" in place of "make test"; "no" leaves out both
#
# It needs root, Linux and debootstrap. The machine's certificates and its settings of pip, npm, apt and names are bound
# in read-only, since a machine may reach the registries only with them; nothing of them is kept or copied.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
bases=${FRESH_BASES:-/var/tmp/aura-browser-fresh}
suites=(bookworm trixie testing)
people=(root user sudo)
settings=(/etc/resolv.conf /etc/hosts /etc/ssl/certs /etc/pip.conf ~root/.npmrc /usr/etc/npmrc /etc/apt/apt.conf.d/99*)
variables='^(PIP_(CERT|INDEX_URL|DEFAULT_TIMEOUT)|npm_config_|NPM_CONFIG_|NODE_EXTRA_CA_CERTS|SSL_CERT_|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|UV_)|^(https?|no)_proxy='

fail() {
    echo "tests/fresh.sh: $*" >&2
    exit 1
}

make_base() { # make_base SUITE: a bare system with what README asks for: Python, make and git
    if [ -e "$bases/$1/.complete" ]; then return; fi
    echo "Making a bare $1 in $bases …"
    rm -rf "${bases:?}/$1"
    mkdir -p "$bases"
    debootstrap --variant=minbase --include=python3,make,git,ca-certificates "$1" "$bases/$1" >"$bases/$1.log" 2>&1 ||
        fail "debootstrap could not make $1; see $bases/$1.log"
    touch "$bases/$1/.complete"
}

enter() { # enter SUITE PERSON: run the walk on a copy of the base that lives as long as the walk; in namespaces of its own
    local place=$work/root
    mount -t tmpfs -o mode=755,size=8g tmpfs "$work"
    mkdir -p "$work/upper" "$work/work" "$place"
    mount -t overlay -o "lowerdir=$bases/$1,upperdir=$work/upper,workdir=$work/work" overlay "$place"
    mount -t proc proc "$place/proc"
    mount -t tmpfs -o mode=755 tmpfs "$place/dev"
    for device in null zero full random urandom tty; do
        touch "$place/dev/$device"
        mount --bind "/dev/$device" "$place/dev/$device"
    done
    mkdir "$place/dev/pts" "$place/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,gid=5 devpts "$place/dev/pts"
    ln -s pts/ptmx "$place/dev/ptmx"
    ln -s /proc/self/fd "$place/dev/fd"
    mount -t tmpfs -o mode=1777 tmpfs "$place/dev/shm"
    for setting in "${settings[@]}"; do
        [ -e "$setting" ] || continue
        if [ -d "$setting" ]; then mkdir -p "$place$setting"; else mkdir -p "$place${setting%/*}" && touch "$place$setting"; fi
        mount --bind "$setting" "$place$setting"
        mount -o remount,bind,ro "$place$setting"
    done
    mkdir "$place/mnt/aura"
    cp "$bundle" "$root/tests/fresh_walk.sh" "$place/mnt/aura/"
    mapfile -t kept < <(env | grep -E "$variables")
    chroot "$place" env -i HOME=/root TERM=xterm-256color LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "${kept[@]}" FRESH_TESTS="${FRESH_TESTS:-yes}" bash /mnt/aura/fresh_walk.sh "$2"
}

if [ "${1:-}" = --enter ]; then
    work=$4 bundle=$5
    enter "$2" "$3"
    exit
fi

[ "$(id -u)" -eq 0 ] || fail "needs root, to make the machines. Run it with sudo."
command -v debootstrap >/dev/null || fail "debootstrap is missing; install it with: apt-get install debootstrap"
chosen=("$@")
if [ $# -eq 0 ]; then
    for suite in "${suites[@]}"; do for person in "${people[@]}"; do chosen+=("$suite-$person"); done; done
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bundle=$scratch/aura_browser.bundle
git -C "$root" bundle create --quiet "$bundle" HEAD
failed=()
for one in "${chosen[@]}"; do
    suite=${one%-*} person=${one##*-}
    make_base "$suite"
    echo "=== $suite as $person"
    mkdir "$scratch/$one"
    unshare --mount --pid --fork --kill-child "$0" --enter "$suite" "$person" "$scratch/$one" "$bundle" || failed+=("$one")
done
[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
echo "The first hour works: ${chosen[*]}."
