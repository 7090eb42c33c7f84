"""Other tools' gateways beside ours, each before the same server of OpenAI's API, which costs next to nothing."""

import json
import subprocess
import sys
import tempfile
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.bench.gateway import serve_wire
from tests.bench.measure import Pair
from tests.bench.processes import CommandFailed, in_child
from tests.bench.results import Goal, Result, Undone, make_row
from tests.bench.server import Answer, serve
from tests.parts.ports import free_port
from tests.parts.server_process import tied
from tests.parts.waiting import holds_within

NAME: Final = "gateway-peers"
PACKAGES: Final = {
    # The newest with its proxy in it: later ones need litellm-proxy, which is not on PyPI everywhere.
    "litellm": ("litellm[proxy]==1.106.12",),
    "openai-forward": ("openai-forward", "pyyaml"),
    "g4f's API": ("g4f[api]",),
}
DIRECT: Final = "reading it directly"
_SCRIPTS: Final = Path(__file__).with_name("gateway_scripts.py")
_PATH: Final = "/chat/completions"
_TOKEN: Final = "token "
_TOKENS: Final = 5_000
_INSTALL_S: Final = 600.0
_START_S: Final = 120.0
_FIRSTS: Final = 20
_QUESTION: Final = {"model": "openchat_3.6", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


@dataclass(frozen=True)
class _Peer:
    """What ours is compared with.

    Attributes:
        name: of the tool; or :data:`DIRECT`.
        python: of the environment that it is in; empty for reading directly.
        folder: for its log.
    """

    name: str
    python: str
    folder: Path

    @contextmanager
    def serve(self, site: str, pid: int) -> Iterator[tuple[str, int]]:
        """Yield the origin that is asked, and the process that answers there; *pid* is that of ours."""
        if not self.python:
            yield site, pid
            return
        with _serve_peer(self, site) as served:
            yield served


def measure_gateways(names: Sequence[str], rounds: int, folder: Path) -> list[Result]:
    """Compare each gateway of *names*, and reading directly, with ours: whole answers and the first text."""
    rows: list[Result] = []
    for name in (DIRECT, *names):
        sys.stderr.write(f"{name} …\n")
        try:
            python = "" if name == DIRECT else _install(name, folder / name.replace("'", ""))
            peer = _Peer(name, python, folder)
            rows += [_compare_speed(peer, rounds), _compare_first(peer)]
        except (CommandFailed, OSError, subprocess.SubprocessError) as error:
            said = error.stderr if isinstance(error, subprocess.CalledProcessError) else error
            reason = (str(said).strip().splitlines() or [type(error).__name__])[-1][:200]
            rows.append(Undone(benchmark=NAME, name=name, reason=reason))
    return rows


def _compare_speed(peer: _Peer, rounds: int) -> Result:
    found = _compare(peer, _TOKENS, "speed", rounds)
    goal = Goal("ratio", 1.0) if peer.python else None  # of reading directly, `make bench ONLY=gateway` has the goal
    return make_row(NAME, f"{_TOKENS:,} tokens, carried", peer.name, "s", found, goal=goal)


def _compare_first(peer: _Peer) -> Result:
    found = _compare(peer, 1, "first", _FIRSTS)
    goal = Goal("difference", 0.0) if peer.python else None
    return make_row(NAME, "first text, carried", peer.name, "ms", found, goal=goal)


def _compare(peer: _Peer, tokens: int, what: str, pairs: int) -> list[Pair[float]]:
    with (
        serve(_make_answer(tokens)) as site,
        serve_wire("carrying", site) as (ours, pid),
        peer.serve(site, pid) as (theirs, their_pid),
    ):
        settings: dict[str, Any] = {"what": what, "path": _PATH, "pairs": pairs, "characters": len(_TOKEN) * tokens}
        settings |= {"gateway": ours, "pid": pid, "other": theirs, "other_pid": their_pid}
        return msgspec.json.decode(in_child("gateway_client", settings), type=list[Pair[float]])


def _make_answer(tokens: int) -> Answer:
    """Return an answer that comes token by token, as a site of OpenAI's API gives it."""
    last = f"{_write_event({}, 'stop')}data: [DONE]\n\n"
    event = _write_event({"role": "assistant", "content": _TOKEN}, None)
    return Answer(kind="text/event-stream", chunk=event, chunks=tokens, per_write=1, last=last)


def _write_event(delta: dict[str, str], reason: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "openchat_3.6"}
    return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"


def _install(name: str, folder: Path) -> str:
    """Return the Python of an environment in which *name* is."""
    python = folder / "bin" / "python"
    venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[name]]
    subprocess.run(install, check=True, timeout=_INSTALL_S, capture_output=True, text=True)
    return str(python)


@contextmanager
def _serve_peer(peer: _Peer, site: str) -> Iterator[tuple[str, int]]:
    """Run a gateway before *site* while the context lasts; give its origin and its pid, once it has answered."""
    port = free_port()
    origin, log = f"http://127.0.0.1:{port}", peer.folder / "peer.log"
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, log.open("wb") as output:
        command = tied(["env", f"HOME={scratch}", peer.python, str(_SCRIPTS), peer.name, site, str(port), scratch])
        with subprocess.Popen(command, stdout=output, stderr=output) as process:
            try:
                if not holds_within(_START_S, lambda: process.poll() is not None or _answers(origin)):
                    raise CommandFailed(f"it does not answer: {log.read_text('utf-8', 'replace')[-200:]}")
                if process.poll() is not None:
                    raise CommandFailed(f"it ended: {log.read_text('utf-8', 'replace')[-200:]}")
                yield origin, process.pid
            finally:
                process.kill()


def _answers(origin: str) -> bool:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = urllib.request.Request(f"{origin}/v1{_PATH}", json.dumps(_QUESTION).encode(), headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            return b"[DONE]" in response.read()
    except OSError:
        return False
