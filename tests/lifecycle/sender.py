"""One request by a page as a process: prints how it ended as a line of JSON. The signal USR1 cancels it."""

import asyncio
import json
import signal

import click

from aura_browser import SiteClient
from aura_browser.errors import AuraError
from tests.parts.sessions import make_session


@click.command()
@click.argument("url")
@click.option("--timeout", type=float, required=True)
def main(*, url: str, timeout: float) -> None:
    """Send a request to URL/reading by a page."""
    said, why = asyncio.run(_find_outcome(url, timeout))
    click.echo(json.dumps({"outcome": said, "why": why}))


async def _find_outcome(url: str, timeout_s: float) -> tuple[str, str]:
    job = asyncio.create_task(_send(url.rstrip("/"), timeout_s))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, job.cancel)
    try:
        await job
    except (AuraError, TimeoutError, asyncio.CancelledError) as error:
        return type(error).__name__, str(error)
    return "answer", ""


async def _send(origin: str, timeout_s: float) -> None:
    session = make_session(origin)
    async with (
        asyncio.timeout(timeout_s),
        SiteClient(origin, session=session, transport="page", refresh="never") as client,
        client.get("/reading") as response,
    ):
        response.raise_for_status()
        await response.read()


if __name__ == "__main__":
    main()
