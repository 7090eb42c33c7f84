"""One harvest as a process: takes the command's engine options, prints how it ended as a line of JSON.

The signal USR1 cancels the harvest.
"""

import asyncio
import json
import signal

import click

from aura_browser import page_site
from aura_browser.cli.options import engine_options
from aura_browser.engine import Engine
from aura_browser.errors import AuraError
from aura_browser.webdriver.harvest import harvest


@click.command()
@click.argument("url")
@click.option("--timeout", type=float, required=True)
@click.option("--count", type=int, default=1, help="How many harvests at once; a line is printed for each.")
@engine_options
def main(*, url: str, timeout: float, count: int, engine: Engine) -> None:
    """Harvest URL."""
    for said, why in asyncio.run(_outcomes(url, timeout, count, engine)):
        click.echo(json.dumps({"outcome": said, "why": why}))


async def _outcomes(url: str, timeout_s: float, count: int, engine: Engine) -> list[tuple[str, str]]:
    site = page_site(url)
    jobs = [asyncio.create_task(harvest(site, engine=engine, timeout_s=timeout_s)) for _ in range(count)]
    for job in jobs:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, job.cancel)
    return [_outcome(result) for result in await asyncio.gather(*jobs, return_exceptions=True)]


def _outcome(result: object) -> tuple[str, str]:
    if isinstance(result, (AuraError, asyncio.CancelledError)):
        return type(result).__name__, str(result)
    if isinstance(result, BaseException):
        raise result
    return "session", ""


if __name__ == "__main__":
    main()
