"""``aura-browser serve``: let programs that speak OpenAI's or Anthropic's API use a chat site."""

import asyncio
import errno
import os
import shlex
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.cli.options import session_options
from aura_browser.cli.running import report_errors
from aura_browser.cli.values import ParsedText
from aura_browser.errors import InvalidInput
from aura_browser.site import OPENCHAT, site_at

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.gateway.server import Gateway, Settings
    from aura_browser.site import Site

_TOKEN_VARIABLE: Final = "AURA_BROWSER_GATEWAY_TOKEN"  # noqa: S105 - a name
_LOOPBACK: Final = frozenset({"", "127.0.0.1", "::1", "localhost"})
_QUESTION: Final = f"""\
/chat/completions -H "Content-Type: application/json"%s \\
    -d '{{"model": "{DEFAULT_MODEL}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'"""
_MIN_TOKEN_LENGTH: Final = 16
_MAX_TOKEN_BYTES: Final = 4096


def _read_alias(text: str) -> tuple[str, str]:
    name, separator, model = text.partition("=")
    if not (separator and name and model):
        raise InvalidInput("alias", f"{text!r} is not NAME=MODEL, such as gpt-4o=openchat_3.6")
    return name, model


def _read_host(text: str) -> str:
    from aura_browser.gateway.allowed import parse_host

    return parse_host(text)


def _read_origin(text: str) -> str:
    from aura_browser.gateway.allowed import parse_origin

    return parse_origin(text)


def _read_program(text: str) -> str:
    from aura_browser.gateway.programs import CONFIGURATIONS

    names = {name.replace("-", ""): name for name in CONFIGURATIONS}  # open-webui is called openwebui too
    found = names.get(text.lower().replace("-", ""))
    if found is None:
        raise InvalidInput("program", f"{text!r} is not one of {', '.join(CONFIGURATIONS)}")
    return found


@click.command("serve")
@click.argument(
    "site", metavar="[SITE]", default=OPENCHAT.url, type=ParsedText(partial(site_at, dialect=OPENCHAT.dialect))
)
@click.option("--host", default="", metavar="ADDRESS", help="Where to listen. [default: this machine only]")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0 picks a free port.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"A file, readable by you alone, with what clients have to send as API key. Or set {_TOKEN_VARIABLE}.",
)
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    metavar="NAME=MODEL",
    type=ParsedText(_read_alias),
    help="A name of a model for programs with a fixed one; *=MODEL for every unknown name.",
)
@click.option("--max-streams", type=click.IntRange(1), default=64, show_default=True, help="Answers open at once.")
@click.option(
    "--upstream-concurrency",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Questions that the site is asked at once; the others wait in line.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    type=ParsedText(_read_host),
    help="A further name that clients may ask for.",
)
@click.option(
    "--print-config",
    "program",
    metavar="PROGRAM",
    type=ParsedText(_read_program),
    help="Print what makes a program use the gateway, and end: codex, claude, llm, aider and others.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    type=ParsedText(_read_origin),
    help="A web page's origin that may ask.",
)
@session_options(refresh=True, transport=True)
@report_errors
def command(
    *,
    site: "Site",
    host: str,
    port: int,
    token_file: Path | None,
    aliases: tuple[tuple[str, str], ...],
    max_streams: int,
    upstream_concurrency: int,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    program: str | None,
    options: "SessionOptions",
) -> None:
    """Let programs that speak OpenAI's or Anthropic's API use a chat site, until Ctrl-C.

    SITE is the chat site, or its name in sites.toml. Programs need the base URL that is printed, any API key, and the
    name of a model. The session is got when the first question comes.

    \b
    aura-browser serve
    aura-browser serve http://127.0.0.1:8765 --alias gpt-4o=openchat_3.6
    aura-browser serve --print-config llm
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.gateway.server import Settings

    if aliases and site.dialect == "openai":
        raise InvalidInput("--alias", f"can't be used: requests to {site.origin} are carried as they are")
    if program is not None and not port:
        raise InvalidInput("--print-config", "needs a port that stays, such as --port 8787")
    settings = Settings(
        host="" if host in _LOOPBACK else host,
        port=port,
        token=_read_token(token_file, host),
        aliases=dict(aliases),
        max_streams=max_streams,
        upstream_concurrency=upstream_concurrency,
        hosts=frozenset(hosts),
        origins=frozenset(origins),
    )
    if program is None:
        asyncio.run(_serve(site, settings, options))
    else:
        click.echo(_write_configuration(program, site, settings), nl=False)


def _write_configuration(program: str, site: "Site", settings: "Settings") -> str:
    from aura_browser.gateway.programs import write_configuration
    from aura_browser.gateway.server import make_origin

    origin, key = make_origin(settings.host, settings.port), "TOKEN" if settings.token else "none"
    return write_configuration(program, origin=origin, key=key, model=_name_model(site))


def _read_token(path: Path | None, host: str) -> str:
    """Return the token that clients have to send; empty if there is none.

    Raises:
        InvalidInput: if others may know it, it is too easy to guess, or it is missing where others can connect.
    """
    name = _TOKEN_VARIABLE if path is None else "--token-file"
    token = os.environ.get(_TOKEN_VARIABLE, "") if path is None else _read_private(path)
    if not token and host in _LOOPBACK and _TOKEN_VARIABLE in os.environ:  # as of a command that failed
        raise InvalidInput(name, "is empty, and any program here could ask; unset it for no token")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise InvalidInput(name, "the token has to be one line of printable ASCII, without spaces")
    if host in _LOOPBACK or len(token) >= _MIN_TOKEN_LENGTH:
        return token
    if token:
        raise InvalidInput(name, f"the token has to have at least {_MIN_TOKEN_LENGTH} characters for --host {host}")
    raise InvalidInput("--host", f"others can connect to {host}, so a token is needed: --token-file, or {name}")


def _read_private(path: Path) -> str:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise InvalidInput("--token-file", f"others can read {path}; run: chmod 600 {shlex.quote(str(path))}")
        data = file.read(_MAX_TOKEN_BYTES + 1)
    token = data.decode("utf-8", "replace").strip()
    if not token or len(data) > _MAX_TOKEN_BYTES:
        raise InvalidInput("--token-file", f"{path} has to hold one line: the token")
    return token


async def _serve(site: "Site", settings: "Settings", options: "SessionOptions") -> None:
    from aura_browser.assembly import complete_options
    from aura_browser.chat.client import AuraClient
    from aura_browser.cli.harvesting import show_harvest_unless_kept
    from aura_browser.gateway.server import Gateway

    options = complete_options(site, options)
    options["harvest"] = show_harvest_unless_kept(site, options)
    async with AuraClient(site, **options) as client:
        gateway = Gateway(client, settings)
        try:
            await gateway.start()
        except OSError as error:
            raise _describe_failure(error, site, settings) from None
        received = await _run(gateway, settings)
    if received == signal.SIGINT:
        raise KeyboardInterrupt


async def _run(gateway: "Gateway", settings: "Settings") -> int:
    """Serve until a signal comes, and stop; a second signal does not wait for answers. Return the first signal."""
    received: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, received.put_nowait, number)
    try:
        click.echo(_introduce(gateway, settings))
        first = await received.get()
        stopping = asyncio.ensure_future(gateway.stop())
        hurrying = asyncio.ensure_future(received.get())
        await asyncio.wait([stopping, hurrying], return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        gateway.hurry()
        await stopping
    finally:
        await gateway.stop()
    return first


def _introduce(gateway: "Gateway", settings: "Settings") -> str:
    """Return what to do with a gateway that runs."""
    key = "TOKEN" if settings.token else "none"
    asked = f"/models{_show_key(settings)}" if gateway.site.dialect == "openai" else _QUESTION % _show_key(settings)
    plain = "" if settings.host in _LOOPBACK else "\nThe connection is not encrypted: who is on the way can read along."
    return f"""\
The gateway for {gateway.site.origin} runs at {gateway.base_url}{plain}

Try it:
  curl {gateway.base_url}{asked}

Programs read one of these:
  export OPENAI_BASE_URL={gateway.base_url} OPENAI_API_KEY={key}
  export ANTHROPIC_BASE_URL={gateway.origin} ANTHROPIC_AUTH_TOKEN={key}

Chat in your browser: {gateway.origin}/{"#token=TOKEN" if settings.token else ""}
Stop it with Ctrl-C."""


def _name_model(site: "Site") -> str:
    """Return the model that a program is to ask; of sites whose requests are carried only they know them."""
    return "MODEL" if site.dialect == "openai" else DEFAULT_MODEL


def _show_key(settings: "Settings") -> str:
    return ' -H "Authorization: Bearer TOKEN"' if settings.token else ""


def _describe_failure(error: OSError, site: "Site", settings: "Settings") -> click.ClickException:
    from aura_browser.listening import find_free_port

    if error.errno != errno.EADDRINUSE:
        return click.ClickException(f"Can't listen at {settings.host or 'this machine'}: {error.strerror}.")
    free = find_free_port(settings.port)
    named = "" if site.url == OPENCHAT.url else f"{shlex.quote(site.url)} "
    again = f"aura-browser serve {named}--port {free}" if _is_plain() else f"run the same command with --port {free}"
    return click.ClickException(f"Port {settings.port} is taken by another program. {free} is free: {again}")


def _is_plain() -> bool:
    """Return whether the command has no option but the port; without another it would be another gateway."""
    context = click.get_current_context(silent=True)
    if context is None:
        return True
    others = {parameter.name or "" for parameter in context.command.params} - {"site", "port"}
    return all(context.get_parameter_source(name) is not ParameterSource.COMMANDLINE for name in others)
