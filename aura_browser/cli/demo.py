"""``aura-browser demo``: the main job, seen from start to end on this machine alone."""

import asyncio
import time
from typing import TYPE_CHECKING

import click

from aura_browser.cli.running import progress, reported

if TYPE_CHECKING:
    from aura_browser.chat.client import AuraClient

_QUESTION = "Привет! 你好! Hello! 👋"
_AGAIN = "And now with a new session, which nobody had to ask for."


@click.command("demo")
@reported
def command() -> None:
    """Run the main job against a local chat site: harvest, an answer, a refusal, an answer through a new session.

    Needs Chrome and ChromeDriver, and no network.
    """
    asyncio.run(_demo())


async def _demo() -> None:
    from aura_browser.chat.client import AuraClient
    from aura_browser.playground import Playground

    async with Playground("check-503", answer="slow") as site, AuraClient(site.origin, store="memory") as client:
        click.echo(f"A chat site runs at {site.origin}; it lets in only who passed its script check.")
        start = time.perf_counter()
        with progress("Chrome is there …"):
            session = await client.session()
        click.echo(
            f"Harvested with Chrome in {time.perf_counter() - start:.2f} s: {len(session.cookies)} cookie, "
            f"{len(session.headers)} headers, Chrome {session.browser.version}."
        )
        await _ask(client, _QUESTION)
        site.revoke_all()
        click.echo("The site has revoked every session.")
        await _ask(client, _AGAIN)
        click.echo(f"Done: {site.chats} answers, {site.page_loads} harvests, no browser left open.")


async def _ask(client: "AuraClient", question: str) -> None:
    click.echo(f"  you:  {question}")
    start = time.perf_counter()
    with progress("The site thinks, or Chrome is there for a new session …"):
        stream = client.stream(question)
        text = await anext(stream)
        first = time.perf_counter() - start
    click.echo(f"  site: {text}", nl=False)
    async for text in stream:
        click.echo(text, nl=False)
    click.echo(f"\n        (first text after {first:.2f} s, all of it after {time.perf_counter() - start:.2f} s)")
