#!/usr/bin/env bash
# Starts a Selenium Grid on this machine, in the foreground: a hub, and nodes that run Chrome. Ctrl-C ends all of them.
#
#   drivers/grid/start.sh [--nodes 2] [--port 4444] [--slots 1] [--session-timeout 300] [--queue-timeout 300]
#                         [--host 127.0.0.1]
#
#   --nodes             number of nodes
#   --port              port of the hub; 0 for a free one
#   --slots             browsers per node
#   --session-timeout   seconds without a command after which a session ends
#   --queue-timeout     seconds that a request waits for a free slot
#   --host              address that the hub listens on; any but 127.0.0.1 needs a password
#
# With GRID_PASSWORD set, clients must log in as user "grid". SELENIUM_JAR is the path of another Selenium server.
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

find_program() { # find_program PATH NAME...: prints PATH, or the path of the first program found
    local name
    [ -x "$1" ] && printf '%s\n' "$1" && return
    shift
    for name in "$@"; do
        [ -x "$here/../bin/$name" ] && printf '%s\n' "$here/../bin/$name" && return
        command -v "$name" && return
    done
    return 1
}

# --- Requirements

java -version >/dev/null 2>&1 || fail "Java is missing. Install it with: drivers/install.sh grid"
chrome=$(find_program "${AURA_BROWSER_CHROME:-}" google-chrome google-chrome-stable chromium chromium-browser chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium) ||
    fail "Chrome is missing. Install it with: drivers/install.sh"
driver=$(find_program "${AURA_BROWSER_DRIVER:-}" chromedriver chromium.chromedriver) ||
    fail "ChromeDriver is missing. Install it with: drivers/install.sh, or put one that matches $chrome into drivers/bin"
case $chrome$driver in *[\'\"\\]*) fail "Selenium can't take a path with a quote or a backslash: $chrome, $driver" ;; esac
jar=$("$here/jar.sh")

# --- Ports

is_port_in_use() { (exec 2>/dev/null 4<>"/dev/tcp/$1/$2"); }

# Below the range of ports for outgoing connections.
last_port=$((RANDOM % 20000 + 10240))
next_port() { while last_port=$((last_port + 1)) && is_port_in_use 127.0.0.1 "$last_port"; do :; done; }

password=${GRID_PASSWORD:-}
unset GRID_PASSWORD
case $host in
127.0.0.1 | localhost) ;;
*) [ -n "$password" ] || fail "others can reach $host and run any program here: set GRID_PASSWORD too." ;;
esac
if [ "$port" -eq 0 ]; then
    next_port
    port=$last_port
elif is_port_in_use "$host" "$port"; then
    fail "port $port is in use. Choose another one with --port, or --port 0 for a free one."
fi
next_port
publish=tcp://127.0.0.1:$last_port
next_port
subscribe=tcp://127.0.0.1:$last_port

# --- Cleanup: what this script starts ends with it, however it ends

work=$(mktemp -d "${TMPDIR:-/tmp}/grid.XXXXXX") # mode 0700
mkfifo "$work/lifeline"

end_groups() { # end_groups GROUP...: Selenium leaves ChromeDriver and Chrome running, but they are in the node's group
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

watch_groups() { # reads "start GROUP" and "end GROUP"; ends all groups when its input ends
    trap '' INT TERM HUP
    set +e # a group that has ended already is not an error
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
    # A signal interrupts wait.
    while kill -0 "$watchdog" 2>/dev/null; do wait "$watchdog" || true; done
}

set -m # each job gets its own process group, so the terminal's Ctrl-C reaches this script only
watch_groups <"$work/lifeline" &
watchdog=$!
exec 3>"$work/lifeline"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

launch() { # launch NAME ARGUMENT...: starts a part of the Grid and sets $group to its process group
    mkdir "$work/$1.tmp"
    # Profile folders are created here, so that they are removed even if Chrome is killed.
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

watch_processes() { # fails if the hub has ended; reports ended nodes and ends their ChromeDriver and Chrome
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

count_nodes() {
    # shellcheck disable=SC2030 # only the output leaves this subshell
    (
        exec 2>/dev/null 4<>"/dev/tcp/$host/$port" || exit
        printf 'GET /status HTTP/1.0\r\nHost: %s:%s\r\n%s\r\n' "$host" "$port" "$login" >&4
        while IFS= read -r -t 2 line <&4; do printf '%s\n' "$line"; done
    ) | grep -o '"availability": *"UP"' | grep -c . || true
}

pause() { # a sleep that a signal can interrupt
    sleep "$1" 3>&- &
    wait $!
}

until [ "$(count_nodes)" = "$nodes" ]; do
    watch_processes || fail "the hub ended before it was ready; its output is above."
    [ "$SECONDS" -lt "$ready_s" ] || fail "the Grid is not ready after $ready_s s: $(count_nodes) of $nodes nodes are up."
    pause 0.1
done
echo "Grid is ready at http://$host:$port with $nodes nodes"
while watch_processes; do pause 1; done
fail "the hub has ended, and the Grid with it."
