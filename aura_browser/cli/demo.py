"""``aura-browser demo``: the main job from start to end, on this machine alone."""

import asyncio
import json
import shutil
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from aura_browser.chat.messages import DEFAULT_MODEL
from aura_browser.cli.running import progress, report_errors, run_in_loop
from aura_browser.cli.screen import Screen

if TYPE_CHECKING:
    from aura_browser.chat.client import AuraClient

_FIRST_QUESTION = "Привет! 你好! Hello! 👋"
_SECOND_QUESTION = "And now again, with a new session."
_THIRD_QUESTION = "And now from another program?"


@click.command("demo")
@report_errors
def command() -> None:
    """Run the main job against a local chat site: harvest, answer, refused session, answer with a new session.

    In the end another program asks through the gateway: OpenAI's own client if it is installed, else curl. Needs Chrome
    and ChromeDriver, but no network.
    """
    run_in_loop(_run_demo())


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
        first = await _ask(client, _FIRST_QUESTION)
        site.revoke_all()
        click.echo("The site has revoked every session.")
        second = await _ask(client, _SECOND_QUESTION)
        await _ask_through_gateway(client)
        times = f"first text after {first:.2f} s, with a new session after {second:.2f} s"
        done = f"Done: {site.chats} answers ({times}), {site.page_loads} harvests, no browser left open."
        screen.print_wrapped(text=done)


async def _ask(client: "AuraClient", question: str) -> float:
    """Ask, show the answer as it comes, and return the seconds until its first text."""
    click.echo(f"  you:  {question}")
    start = time.perf_counter()
    with progress("Waiting for the answer, or for Chrome to get a new session …"):
        stream = client.stream(question)
        text = await anext(stream)
        first = time.perf_counter() - start
    click.echo(f"  site: {text}", nl=False)
    async for text in stream:
        click.echo(text, nl=False)
    click.echo()
    return first


async def _ask_through_gateway(client: "AuraClient") -> None:
    """Let another program ask: OpenAI's own client, else curl, else nobody."""
    from aura_browser.gateway.server import Gateway, Settings

    async with Gateway(client, Settings(port=0)) as gateway:
        if find_spec("openai"):
            click.echo(f"  openai: {_THIRD_QUESTION}")
            answer = await asyncio.to_thread(_ask_with_openai, gateway.base_url)
        elif curl := shutil.which("curl"):
            click.echo(f"  curl: {_THIRD_QUESTION}")
            answer = await _ask_with_curl(curl, gateway.base_url)
        else:
            answer = "(there is neither OpenAI's client nor curl here to ask through the gateway)"
        click.echo(f"  site: {answer}")


def _ask_with_openai(base_url: str) -> str:
    import openai

    http = openai.DefaultHttpxClient(trust_env=False)  # a proxy of the environment can't reach this machine
    with openai.OpenAI(base_url=base_url, api_key="none", http_client=http) as client:
        question: Any = {"role": "user", "content": _THIRD_QUESTION}
        answer = client.chat.completions.create(model=DEFAULT_MODEL, messages=[question])
    return str(answer.choices[0].message.content)


async def _ask_with_curl(curl: str, base_url: str) -> str:
    body = {"model": DEFAULT_MODEL, "messages": [{"role": "user", "content": _THIRD_QUESTION}]}
    process = await asyncio.create_subprocess_exec(
        *(curl, "--silent", "--show-error", "--noproxy", "*", f"{base_url}/chat/completions"),
        *("--header", "Content-Type: application/json", "--data", json.dumps(body)),
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    return str(json.loads(answer)["choices"][0]["message"]["content"])
