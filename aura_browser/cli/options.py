"""Options that several commands share."""

import functools
import math
from collections.abc import Callable
from typing import Any, Final

import click
from click.core import ParameterSource
from yarl import URL

from aura_browser.engine import Attach, Engine, Grid, Selenium, Undetected
from aura_browser.errors import InvalidInput
from aura_browser.proxy.address import check_proxy, has_password

_LONGEST_S = 86_400.0
_SEEN_BY_ALL = "everybody on this machine can read a password on a command line; put the whole URL in {} instead"

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Checked(click.ParamType[object]):
    """A value that one of the package's own functions reads, so that the wrong one is a usage error.

    Args:
        name: what ``--help`` calls it.
        read: takes the text; raises InvalidInput.
    """

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Read *value*; a wrong one ends the command with exit code 2."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except InvalidInput as error:
            self.fail(error.problem, param, ctx)


session_option: Decorator = click.option(
    "--session",
    "session_name",
    default="default",
    show_default=True,
    metavar="NAME",
    help="The name that the session is cached under; one for each account.",
)
store_option: Decorator = click.option(
    "--store",
    metavar="PLACE",
    help="Where sessions are cached: a folder, or redis://host to share them. [default: your state folder]",
)


def _checked_proxy(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        check_proxy(value)
    except InvalidInput as error:
        raise click.BadParameter(error.problem, ctx, param) from None
    if has_password(value) and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
        raise click.BadParameter(_SEEN_BY_ALL.format("AURA_BROWSER_PROXY"), ctx, param)
    return value


proxy_option: Decorator = click.option(
    "--proxy",
    metavar="URL",
    envvar="AURA_BROWSER_PROXY",
    show_envvar=True,
    callback=_checked_proxy,
    help=(
        "A proxy for browser and client: http://host:port, or socks5://host:port (needs the extra socks). One with a "
        "password, http://user:password@host:port, is read from the environment only."
    ),
)


def _engine(*, engine: str, grid: str | None, attach: str | None, profile: str | None, virtual_display: bool) -> Engine:
    """Return the engine that the options name.

    Raises:
        UsageError: if they don't go together.
    """
    options = {
        "--engine undetected": engine == "undetected",
        "--grid (or AURA_BROWSER_GRID)": grid,
        "--attach": attach,
        "--profile": profile,
        "--virtual-display": virtual_display,
    }
    given = [option for option, value in options.items() if value]
    if (grid or attach) and len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} don't go together: that browser is not started here.")
    if grid:
        return Grid(grid)
    if attach:
        return Attach(attach)
    return (Undetected if engine == "undetected" else Selenium)(profile=profile, virtual_display=virtual_display)


def _checked_grid(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    value = value if "://" in value else f"http://{value}"
    try:
        Grid(value)
    except InvalidInput as error:
        raise click.BadParameter(error.problem, ctx, param) from None
    if URL(value).password and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
        raise click.BadParameter(_SEEN_BY_ALL.format("AURA_BROWSER_GRID"), ctx, param)
    return value


_ENGINE_OPTIONS: Final = (
    click.option(
        "--engine",
        type=click.Choice(["selenium", "undetected"]),
        default="selenium",
        show_default=True,
        help="How Chrome is started here. undetected, for sites that turn driven browsers away, is an extra.",
    ),
    click.option(
        "--grid",
        metavar="URL",
        envvar="AURA_BROWSER_GRID",
        show_envvar=True,
        callback=_checked_grid,
        help="Use a browser of the Selenium Grid there, such as http://host:4444.",
    ),
    click.option(
        "--attach",
        metavar="HOST:PORT",
        type=Checked("attach", lambda text: Attach(text).address),
        help="Use a tab of a Chrome that runs with --remote-debugging-port, such as 127.0.0.1:9222. It stays open.",
    ),
    click.option(
        "--profile",
        metavar="NAME|DIR",
        help="Keep the browser's profile, so that a login lasts: the next harvest needs no window.",
    ),
    click.option(
        "--virtual-display",
        is_flag=True,
        help="Show the window on a display that nobody sees. Needs the extra virtual-display, and Xvfb.",
    ),
)


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which browser is used; the command gets them as one value ``engine``."""

    @functools.wraps(function)
    def command(**values: Any) -> Any:  # noqa: ANN401 - click's to fill in
        named = {name: values.pop(name) for name in ("engine", "grid", "attach", "profile", "virtual_display")}
        return function(engine=_engine(**named), **values)

    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


def seconds(text: str) -> float:
    """Read a number of seconds, more than 0 and at most a day.

    Raises:
        InvalidInput: if it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _LONGEST_S:
        raise InvalidInput("seconds", f"{text!r} is no number of seconds above 0 and up to {_LONGEST_S:.0f}")
    return number
