"""Looks for ChromeDrivers and X servers of other users, and tries to use them; run by another user, on its own.

It knows all that a user of the machine can know: arguments of processes, ports that listen or are connected, sockets of
displays. It ends at SIGTERM and prints how often it tried, and what was accepted.
"""

# The standard library alone, quickly; its output is a report.
# ruff: noqa: PTH123, PTH207, PTH208, S108, T201

import json
import os
import re
import signal
import socket
import sys
from contextlib import suppress
from glob import glob

tries = {"driver": 0, "display": 0}
accepted: list[str] = []
heard: set[int] = set()
own_port = int(sys.argv[1])
program = sys.argv[2]
before = set(os.listdir("/proc"))


def prefixes() -> list[str]:
    """Return what ChromeDrivers were told that all paths begin with."""
    found = [""]
    for pid in set(os.listdir("/proc")) - before:
        with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as arguments:
            found += re.findall(r"--url-base=([^\0]+)", arguments.read().decode("utf-8", "replace"))
    return found


def ports() -> set[int]:
    """Return the ports of loopback that listen, or are one end of a connection, of other users."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    mine = str(os.getuid())
    heard.update(int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and row[7] != mine)
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[3] in {"0A", "01"} and row[7] != mine and row[1].startswith(("0100007F", "00000000"))
    }


def use_driver(port: int, prefix: str) -> None:
    """Have a ChromeDriver start a program."""
    tries["driver"] += 1
    wanted = {"alwaysMatch": {"goog:chromeOptions": {"binary": program, "args": ["--remote-debugging-pipe"]}}}
    body = json.dumps({"capabilities": wanted})
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.3) as connection:
        for request in (f"GET {prefix}/sessions", f"POST {prefix}/session"):
            text = body if request.startswith("POST") else ""
            head = f"{request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(text)}\r\n\r\n{text}"
            connection.sendall(head.encode())
            answer = connection.recv(65536)
            if b'"value"' in answer or b"unknown command" in answer:
                accepted.append(f"{request} at port {port}: {answer[:60]!r}")


def use_display(path: str) -> None:
    """Connect to an X server (the first 12 bytes of the X11 protocol)."""
    tries["display"] += 1
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.3)
        connection.connect(path)
        connection.sendall(b"l\0" + (11).to_bytes(2, "little") + bytes(8))
        if connection.recv(8)[:1] == b"\1":
            accepted.append(f"display {path!r}")


def stop(*_: object) -> None:
    print(json.dumps({"tries": tries, "accepted": accepted[:20], "listening": sorted(heard - known_ports)}), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
known_ports, known_displays = ports() | {own_port}, set(glob("/tmp/.X11-unix/X*"))
print("looking", flush=True)
parent = os.getppid()
while os.getppid() == parent:
    for port in ports() - known_ports:
        for prefix in prefixes():
            use_driver(port, prefix)
    for path in set(glob("/tmp/.X11-unix/X*")) - known_displays:
        use_display(path)
        use_display(f"\0{path}")
    os.sched_yield()
