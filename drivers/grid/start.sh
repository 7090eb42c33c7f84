#!/usr/bin/env bash
# Starts a Selenium Grid on this machine, in the foreground: a hub, and nodes that run Chrome. Ctrl-C ends all of it.
#
#   drivers/grid/start.sh [--nodes 2] [--port 4444] [--slots 1] [--session-timeout 300] [--queue-timeout 300]
#                         [--host 127.0.0.1]
#
#   --nodes             how many
#   --port              of the hub; 0 takes a free one
#   --slots             browsers that a node runs at a time
#   --session-timeout   seconds without a command that end a session
#   --queue-timeout     seconds that a request waits while all slots are busy
#   --host              where the hub listens; other than on 127.0.0.1 it has to have a password
#
# With GRID_PASSWORD set, clients have to log in, as user "grid". SELENIUM_JAR names a Selenium server of your own.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
nodes=2 port=4444 slots=1 session_timeout=300 queue_timeout=300 host=127.0.0.1
ready_s=60

say() { echo "drivers/grid/start.sh: $*" >&2; }

fail() {
    say "$*"
    exit "${status:-1}"
}

number() {
    case $2 in '' | *[!0-9]*) status=2 fail "$1 takes a number, not: $2" ;; esac
    printf '%s\n' "$2"
}

while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || status=2 fail "usage: $(sed -n 's/^#   \(drivers.*\)/\1/p' "${BASH_SOURCE[0]}") (options take a value)"
    case $1 in
    --nodes) nodes=$(number "$1" "$2") ;;
    --port) port=$(number "$1" "$2") ;;
    --slots) slots=$(number "$1" "$2") ;;
    --session-timeout) session_timeout=$(number "$1" "$2") ;;
    --queue-timeout) queue_timeout=$(number "$1" "$2") ;;
    --host) host=$2 ;;
    *) status=2 fail "no such option: $1" ;;
    esac
    shift 2
done

first_of() { # first_of VARIABLE'S-VALUE NAME...: the path of the first that is there
    local name
    [ -x "$1" ] && printf '%s\n' "$1" && return
    shift
    for name in "$@"; do
        [ -x "$here/../bin/$name" ] && printf '%s\n' "$here/../bin/$name" && return
        command -v "$name" && return
    done
    return 1
}

# --- What has to be there

java -version >/dev/null 2>&1 || fail "Java is missing. Install it with: drivers/install.sh grid"
chrome=$(first_of "${AURA_BROWSER_CHROME:-}" google-chrome google-chrome-stable chromium chromium-browser chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium) ||
    fail "Chrome is missing. Install it with: drivers/install.sh"
driver=$(first_of "${AURA_BROWSER_DRIVER:-}" chromedriver chromium.chromedriver) ||
    fail "ChromeDriver is missing. Install it with: drivers/install.sh, or put one that fits $chrome into drivers/bin"
case $chrome$driver in *[\'\"\\]*) fail "a path with a quote or a backslash can't be given to Selenium: $chrome, $driver" ;; esac
jar=$("$here/jar.sh")

# --- Ports

taken() { (exec 2>/dev/null 4<>"/dev/tcp/$1/$2"); }

# Below the range from which systems take ports for outgoing connections.
last_port=$((RANDOM % 20000 + 10240))
next_port() { while last_port=$((last_port + 1)) && taken 127.0.0.1 "$last_port"; do :; done; }

password=${GRID_PASSWORD:-}
unset GRID_PASSWORD
case $host in
127.0.0.1 | localhost) ;;
*) [ -n "$password" ] || fail "$host can be reached by others, who could run what they like here: set GRID_PASSWORD too." ;;
esac
if [ "$port" -eq 0 ]; then
    next_port
    port=$last_port
elif taken "$host" "$port"; then
    fail "port $port is in use. Name another one with --port, or --port 0 for any free one."
fi
next_port
publish=tcp://127.0.0.1:$last_port
next_port
subscribe=tcp://127.0.0.1:$last_port

# --- The end: what is started here ends with this script, however that ends

work=$(mktemp -d "${TMPDIR:-/tmp}/grid.XXXXXX") # mode 0700
mkfifo "$work/lifeline"

end_groups() { # end_groups GROUP...: Selenium leaves ChromeDriver and Chrome running, but all of a node is one group
    local group tries
    for group in "$@"; do kill -TERM -- "-$group"; done
    for group in "$@"; do
        for ((tries = 0; tries < 50; tries++)); do
            kill -0 -- "-$group" || break
            sleep 0.1
        done
        kill -KILL -- "-$group"
    done
} 2>/dev/null

keep() { # reads "start GROUP" and "end GROUP"; the end of its input is the end of the script
    trap '' INT TERM HUP
    set +e # a group that has ended already is no failure
    local word group groups=' '
    while read -r word group; do
        if [ "$word" = start ]; then
            groups="$groups$group "
        else
            groups=${groups/ $group / }
            end_groups "$group"
        fi
    done
    # shellcheck disable=SC2086 # a list of numbers
    end_groups $groups
    rm -rf "$work"
}

# shellcheck disable=SC2317 # called by the trap
finish() {
    trap '' INT TERM HUP
    exec 3>&-
    # A signal that came meanwhile ends one wait.
    while kill -0 "$keeper" 2>/dev/null; do wait "$keeper" || true; done
}

set -m # each of them in a process group of its own: the terminal's Ctrl-C reaches this script only
keep <"$work/lifeline" &
keeper=$!
exec 3>"$work/lifeline"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

launch() { # launch NAME ARGUMENT...: starts a part of the Grid; its process group is $group then
    mkdir "$work/$1.tmp"
    # Profile folders go where they are removed with the rest, even those of a Chrome that was killed.
    TMPDIR=$work/$1.tmp java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData "-Djava.io.tmpdir=$work/$1.tmp" \
        -jar "$jar" "${@:2}" --publish-events "$publish" --subscribe-events "$subscribe" </dev/null >&2 3>&- &
    group=$!
    echo "start $group" >&3
}

# --- The hub and its nodes

umask 077
login=
if [ -n "$password" ]; then
    escaped=${password//\\/\\\\}
    printf '[router]\nusername = "grid"\npassword = "%s"\n' "${escaped//\"/\\\"}" >"$work/hub.toml"
    login="Authorization: Basic $(printf 'grid:%s' "$password" | base64 | tr -d '\n')"$'\r\n'
fi
arguments=
if [ "$(id -u)" -eq 0 ]; then
    say "as root, Chrome runs without its sandbox."
    arguments='"--no-sandbox"'
fi
cat >"$work/node.toml" <<TOML
[node]
max-sessions = $slots
override-max-sessions = $([ "$slots" -gt "$(getconf _NPROCESSORS_ONLN)" ] && echo true || echo false)
session-timeout = $session_timeout
grid-url = "http://$host:$port"

[[node.driver-configuration]]
display-name = "Chrome"
max-sessions = $slots
webdriver-executable = '$driver'
stereotype = '{"browserName": "chrome", "goog:chromeOptions": {"binary": "$chrome", "args": [$arguments]}}'
TOML

more=()
[ -z "$password" ] || more=(--config "$work/hub.toml")
launch hub hub --config "$here/hub.toml" ${more[@]+"${more[@]}"} --host "$host" --port "$port" \
    --session-request-timeout "$queue_timeout"
hub=$group
running=' '
for ((i = 1; i <= nodes; i++)); do
    next_port
    launch "node$i" node --config "$here/node.toml" --config "$work/node.toml" --host 127.0.0.1 --port "$last_port"
    running="$running$group "
done
set +m

watch() { # fails once the hub has ended; says which nodes have, and takes their ChromeDriver and Chrome along
    local node
    kill -0 "$hub" 2>/dev/null || return 1
    for node in $running; do
        if ! kill -0 "$node" 2>/dev/null; then
            say "a node has ended (process $node)."
            echo "end $node" >&3
            running=${running/ $node / }
        fi
    done
}

nodes_up() {
    # shellcheck disable=SC2030 # only the answer leaves this subshell
    (
        exec 2>/dev/null 4<>"/dev/tcp/$host/$port" || exit
        printf 'GET /status HTTP/1.0\r\nHost: %s:%s\r\n%s\r\n' "$host" "$port" "$login" >&4
        while IFS= read -r -t 2 line <&4; do printf '%s\n' "$line"; done
    ) | grep -o '"availability": *"UP"' | grep -c . || true
}

nap() { # interruptible, as a plain sleep is not
    sleep "$1" 3>&- &
    wait $!
}

until [ "$(nodes_up)" = "$nodes" ]; do
    watch || fail "the hub ended before it was ready; what it said is above."
    [ "$SECONDS" -lt "$ready_s" ] || fail "the Grid is not ready after $ready_s s: $(nodes_up) of $nodes nodes are there."
    nap 0.1
done
echo "Grid is ready at http://$host:$port with $nodes nodes"
while watch; do nap 1; done
fail "the hub has ended, and the Grid with it."
