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
(cd / && if [ "$person" = root ]; then git clone -q -c advice.detachedHead=false /mnt/aura/*.bundle $home/$clone; else setpriv --reuid ann --regid ann --init-groups env HOME=$home git clone -q -c advice.detachedHead=false /mnt/aura/*.bundle $home/$clone; fi)
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
    on_terminal "make demo" "your password" 'pass word' >"$out" 2>&1 || { cat "$out"; fail "make demo with sudo"; }
    head -1 "$out" | grep -q '^Missing: ' || { cat "$out"; fail "the reason comes before the prompt"; }
    ;;
root) as_person "make demo" >"$out" 2>&1 || { cat "$out"; fail "make demo"; } ;;
esac
expect "Done: 2 answers, 2 harvests, no browser left open." "$out"
say "make demo:"
sed 's/^/         | /' "$out"
