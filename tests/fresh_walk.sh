#!/usr/bin/env bash
# What README says, from the clone to a program: run by tests/fresh.sh on a bare machine, as root, for one person.
set -euo pipefail
person=$1
began=$SECONDS
clone=aura_browser

say() { printf '[%4d s] %s\n' $((SECONDS - began)) "$*"; }

fail() {
    say "FAILED: $*"
    exit 1
}

case $person in
root) home=/root ;;
*)
    # As Debian's own installer makes people.
    useradd --create-home --shell /bin/bash ann
    echo 'ann:pass word' | chpasswd
    home=/home/ann
    ;;
esac
if [ "$person" = sudo ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends sudo >/dev/null 2>&1
    usermod --append --groups sudo ann
fi

as_person() { # as_person COMMAND: run it in the clone, as the person, without a terminal
    if [ "$person" = root ]; then
        bash -c "cd $home/$clone && $1" </dev/null
    else
        setpriv --reuid ann --regid ann --init-groups env HOME="$home" USER=ann bash -c "cd $home/$clone && $1" </dev/null
    fi
}

on_terminal() { # on_terminal COMMAND PROMPT TYPED: run it as the person on a terminal; type TYPED once PROMPT is shown
    setpriv --reuid ann --regid ann --init-groups env HOME="$home" USER=ann python3 - "cd $home/$clone && $1" "$2" "$3" <<'END'
import os, pty, sys
command, prompt, typed = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "-c", command])
shown = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    shown += piece
    sys.stdout.buffer.write(piece)
    if prompt and prompt.encode() in shown:
        os.write(terminal, typed.encode() + b"\n")
        prompt = ""
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
}

expect() { # expect TEXT FILE
    grep -qF -- "$1" "$2" || { cat "$2"; fail "expected: $1"; }
}

python3 --version
chmod 755 /mnt/aura
(cd / && if [ "$person" = root ]; then git -c advice.detachedHead=false clone -q /mnt/aura/*.bundle $home/$clone; else setpriv --reuid ann --regid ann --init-groups env HOME=$home git -c advice.detachedHead=false clone -q /mnt/aura/*.bundle $home/$clone; fi)
out=$(mktemp)

case $person in
user)
    as_person "make demo" >"$out" 2>&1 && fail "make demo without root should say what is missing"
    expect "As root, run: apt-get update && apt-get install" "$out"
    [ "$(grep -c 'As root' "$out")" = 1 ] || fail "said more than once"
    for package in venv chromium chromium-driver chromium-sandbox; do expect "$package" "$out"; done
    command=$(sed -n 's/.*As root, run: //p' "$out")
    say "without root: $(cat "$out" | head -1)"
    bash -c "$command" >/dev/null 2>&1 || fail "$command"
    as_person "make demo" >"$out" 2>&1 || { cat "$out"; fail "make demo"; }
    ;;
sudo)
    on_terminal "make demo" "[sudo] your password" 'pass word' >"$out" 2>&1 || { cat "$out"; fail "make demo with sudo"; }
    head -1 "$out" | grep -q '^Missing: ' || { cat "$out"; fail "the reason comes before the prompt"; }
    ;;
root) as_person "make demo" >"$out" 2>&1 || { cat "$out"; fail "make demo"; } ;;
esac
expect "Done: 2 answers" "$out" # a bare machine has no curl, for the third
expect "harvests, no browser left open." "$out" # a terminal wraps before it
say "make demo:"
sed 's/^/         | /' "$out"

# README, "Your first login". The screen and the person are ours: a display, and xdotool, which types.
apt-get install -y -qq --no-install-recommends xvfb xdotool curl >/dev/null 2>&1
cat >"$home/walk" <<'END'
set -euo pipefail
. .venv/bin/activate
aura-browser doctor >/tmp/doctor || { cat /tmp/doctor; exit 1; }
Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3>/tmp/display >/dev/null 2>&1 &
aura-browser playground --gate login-401 >/tmp/playground &
trap 'kill $(jobs -p)' EXIT
for _ in $(seq 100); do [ -s /tmp/display ] && [ -s /tmp/playground ] && break; sleep 0.2; done
[ -s /tmp/playground ] || exit 1 # the network is the machine's own, so the port may be taken
DISPLAY=:$(cat /tmp/display)
export DISPLAY
(
    window=$(xdotool search --sync --onlyvisible --name '^Log in' | head -1)
    while sleep 2; do
        # A click into the page, above the form; the next field is the user's name.
        xdotool windowfocus "$window" mousemove 200 220 click 1 key Tab type --delay 50 demo
        xdotool key Tab type --delay 50 demo
        xdotool key Return
        sleep 5
    done
) >/dev/null 2>&1 &
person=$!
aura-browser harvest 127.0.0.1:8765 --interactive --until cookie:session -o session.json
kill $person 2>/dev/null || true
[ "$(stat -c %a session.json)" = 600 ]
[ "$(aura-browser chat --url 127.0.0.1:8765 "Hello!")" = "Hello!" ]
aura-browser exec 127.0.0.1:8765 -- curl --silent --config {curl} --json '{"key":""}' http://127.0.0.1:8765/api/models |
    grep -q '"id"'
sed -n '/^```python$/,/^```$/p' README.md | sed '1d;/^```$/,$d' |
    sed 's|AuraClient()|AuraClient("http://127.0.0.1:8765")|' >program.py
[ "$(python program.py)" = "Why is the sky blue?" ]
aura-browser sessions list
END
chmod 755 "$home/walk"
as_person "bash $home/walk" >"$out" 2>&1 || { cat "$out"; fail "the first login"; }
say "first login, program and curl work"
sed 's/^/         | /' "$out"

# In a folder of another name all still works, and pipx installs the command.
mv "$home/$clone" "$home/moved" && clone=moved
as_person "make demo" >"$out" 2>&1 || { cat "$out"; fail "make demo in a moved clone"; }
expect "this folder was moved" "$out"
say "a moved clone works"
apt-get install -y -qq --no-install-recommends pipx >/dev/null 2>&1
as_person 'pipx install . >/dev/null 2>&1 && ~/.local/bin/aura-browser --version' >"$out" 2>&1 || { cat "$out"; fail pipx; }
say "pipx: $(cat "$out")"

# The command from a wheel, by pipx and by uv, each in a home where nothing is yet: it starts, and it asks a site.
cat >"$home/wheel" <<'END'
set -euo pipefail
tools=$HOME/.local/bin
export PATH=$tools:$PATH
pipx install uv >/dev/null 2>&1
rm -rf ~/wheels && mkdir ~/wheels
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir ~/wheels .
wheel=$(ls ~/wheels/*.whl)
aura-browser playground --gate none --port 0 >/tmp/site &
trap 'kill $(jobs -p)' EXIT
for _ in $(seq 100); do grep -q http /tmp/site && break; sleep 0.2; done
site=$(grep -o 'http://127[^ ]*' /tmp/site | head -1)
for how in 'pipx install' 'uv tool install'; do
    fresh=$(mktemp -d)
    HOME=$fresh $how "$wheel" >/dev/null 2>&1 || { echo "$how failed"; exit 1; }
    (cd / && HOME=$fresh "$fresh/.local/bin/aura-browser" chat --url "$site" "Hello from a wheel" >/tmp/answer)
    [ "$(cat /tmp/answer)" = "Hello from a wheel" ]
    echo "$how: $("$fresh/.local/bin/aura-browser" --version)"
done
END
chmod 755 "$home/wheel"
as_person "bash $home/wheel" >"$out" 2>&1 || { cat "$out"; fail "a wheel with pipx and uv"; }
say "a wheel, in homes where nothing was:"
sed 's/^/         | /' "$out"

case $FRESH_TESTS in yes) target=test ;; fast) target=test-fast ;; *) target= ;; esac
if [ -n "$target" ]; then
    before=$(find /tmp -mindepth 1 -maxdepth 1 ! -name 'pytest-of-*' | wc -l)
    as_person "make $target" >"$out" 2>&1 || { grep -v ^SKIPPED "$out" | tail -400; fail "make $target"; }
    after=$(find /tmp -mindepth 1 -maxdepth 1 ! -name 'pytest-of-*' | wc -l)
    [ "$before" = "$after" ] || { ls /tmp; fail "make $target left folders in /tmp"; }
    say "make $target: $(tail -1 "$out")"
fi
say "all done"
