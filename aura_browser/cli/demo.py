"""``aura-browser demo``: the main job from start to end, on this machine alone."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import click

from aura_browser.cli.running import progress, report_errors
from aura_browser.cli.screen import Screen

if TYPE_CHECKING:
    from aura_browser.chat.client import AuraClient

_FIRST_QUESTION = "Привет! 你好! Hello! 👋"
_SECOND_QUESTION = "And now again, with a new session."


@click.command("demo")
@report_errors
def command() -> None:
    """Run the main job against a local chat site: harvest, answer, refused session, answer with a new session.

    Needs Chrome and ChromeDriver, but no network.
    """
    asyncio.run(_run_demo())


async def _run_demo() -> None:
    from aura_browser.chat.client import AuraClient
    from aura_browser.playground import Playground

    async with Playground("check-503", answer="slow") as site, AuraClient(site.origin, store="memory") as client:
        screen = Screen(sys.stdout)
        screen.print_wrapped(
            text=f"A chat site runs at {site.origin}; it admits only clients that passed its script check."
        )
        start = time.perf_counter()
        with progress(f"Chrome is at {site.origin} …"):
            session = await client.session()
        screen.print_wrapped(
            text=f"Harvested with Chrome in {time.perf_counter() - start:.2f} s: {len(session.cookies)} cookie, "
            f"{len(session.headers)} headers, Chrome {session.browser.version}."
        )
        await _ask(client, _FIRST_QUESTION)
        site.revoke_all()
        click.echo("The site has revoked every session.")
        await _ask(client, _SECOND_QUESTION)
        click.echo(f"Done: {site.chats} answers, {site.page_loads} harvests, no browser left open.")


async def _ask(client: "AuraClient", question: str) -> None:
    click.echo(f"  you:  {question}")
    start = time.perf_counter()
    with progress("Waiting for the answer, or for Chrome to get a new session …"):
        stream = client.stream(question)
        text = await anext(stream)
        first = time.perf_counter() - start
    click.echo(f"  site: {text}", nl=False)
    async for text in stream:
        click.echo(text, nl=False)
    click.echo(f"\n        (first text after {first:.2f} s, complete after {time.perf_counter() - start:.2f} s)")
