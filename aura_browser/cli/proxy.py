"""``aura-browser proxy``: serve a site with its session on this machine."""

import asyncio
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

import click

from aura_browser.cli.exit_codes import BadSetting
from aura_browser.cli.options import session_options
from aura_browser.cli.running import progress, report_errors, run_in_loop
from aura_browser.cli.target import Target, find_target
from aura_browser.cli.values import ParsedText
from aura_browser.errors import InvalidInput
from aura_browser.text import redact_url

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions

_TOKEN_VARIABLE: Final = "AURA_BROWSER_PROXY_TOKEN"  # noqa: S105 - a variable's name
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~-]{16,200}")


@click.command("proxy")
@click.argument("target", metavar="URL|NAME", type=ParsedText(find_target))
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True, help="0 picks a free port.")
@click.option("--no-token", is_flag=True, help="Let every program on this machine use the session.")
@session_options(refresh=True, transport=True)
@report_errors
def command(*, target: Target, port: int, no_token: bool, options: "SessionOptions") -> None:
    """Serve a site with its session on this machine, until Ctrl-C: for programs that can't be given cookies.

    The address that is printed holds a token; a browser that opens it may use the site. Other programs give the token
    as the password of HTTP Basic, with any user, or in the header X-Aura-Token. The site gets no part of it. The token
    is new each time, unless AURA_BROWSER_PROXY_TOKEN holds one of at least 16 letters and digits.

    A session that the site refuses is renewed. Cookies of the site stay in the session, and no page of another site can
    use the proxy. It listens on this machine only.

    \b
    aura-browser proxy https://example.com/
    git clone http://any:TOKEN@127.0.0.1:8788/group/project.git
    curl -H 'X-Aura-Token: TOKEN' http://127.0.0.1:8788/api/me
    """  # noqa: D301 - click's mark for text that it must not wrap
    token = "" if no_token else _read_token()
    run_in_loop(_serve(target, port, token, options))


def _read_token() -> str:
    given = os.environ.get(_TOKEN_VARIABLE)
    if given is None:
        return secrets.token_urlsafe(24)
    if not _TOKEN.fullmatch(given):
        raise BadSetting(f"{_TOKEN_VARIABLE} must be of 16 to 200 letters, digits and . _ ~ -")
    return given


async def _serve(target: Target, port: int, token: str, options: "SessionOptions") -> None:
    from aura_browser.assembly import assemble_transport, complete_options
    from aura_browser.cli.harvesting import show_target_harvest
    from aura_browser.relay import Relay

    options = complete_options(target.site, options)
    options["harvest"] = show_target_harvest(target, options)
    transport, manager = assemble_transport(target.site, **options)
    relay = Relay(target.site, transport, manager, token=token, port=port)
    try:
        try:
            await relay.start()
        except OSError as error:
            why = os.strerror(error.errno or 0)  # asyncio's words for it are a whole sentence
            raise InvalidInput("--port", f"can't listen on {port} ({why}); 0 picks a free port") from error
        with progress(f"Getting the session of {redact_url(target.site.url)} …"):
            await manager.get()
        address = f"http://127.0.0.1:{relay.port}/"
        click.echo(f"{address}{token}/" if token else address)
        await asyncio.Event().wait()
    finally:
        await relay.stop()
