"""Options that several commands share."""

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from aura_browser.cli.exit_codes import BadSetting
from aura_browser.cli.values import ParsedText
from aura_browser.engine import LOCAL_ENGINES, Attach, AttachChrome, DefaultEngine, Engine, Grid, parse_attach
from aura_browser.errors import InvalidInput
from aura_browser.proxy.address import check_proxy, has_password
from aura_browser.site.commands import DEFAULT_SESSION, list_options
from aura_browser.text import has_secret

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions

_VISIBLE_TO_EVERYBODY: Final = (
    "everybody on this machine can read a password on a command line; put the whole URL in {} instead"
)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


_BARE_HOST: Final = re.compile(r"(?!https?[:/])[^/\s]+(?:/(?!/)\S*)?", re.IGNORECASE)

session_option: Decorator = click.option(
    "--session",
    "session_name",
    default="default",
    show_default=True,
    metavar="NAME",
    help="The name that the session is cached under; one for each account.",
)


def _check_store_option(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from aura_browser.store.place import check_place

    try:
        check_place(value)
    except InvalidInput as error:
        raise _build_error(error, ctx, param) from None
    if has_secret(value) and _is_from(ParameterSource.COMMANDLINE, ctx, param):
        raise click.BadParameter(_VISIBLE_TO_EVERYBODY.format("AURA_BROWSER_STORE"), ctx, param)
    return value


store_option: Decorator = click.option(
    "--store",
    metavar="PLACE",
    envvar="AURA_BROWSER_STORE",
    show_envvar=True,
    callback=_check_store_option,
    help=(
        "Where sessions are cached: a folder, or redis://host to share them. One with a password, "
        "redis://user:password@host, is read from the environment only. [default: your state folder]"
    ),
)
_refresh_option: Decorator = click.option(
    "--refresh",
    type=click.Choice(["never", "headless", "interactive", "kept"]),
    help=(
        "What renewing the session may do: open no browser, one without a window, a window for you to log in, or one "
        "without a window that stays open (kept). [default: the site's own in sites.toml, else headless]"
    ),
)
_transport_option: Decorator = click.option(
    "--transport",
    type=click.Choice(["http", "page", "auto"]),
    help=(
        "What carries requests: this program (http), a page of the site in a Chrome without a window (page), or that "
        "page where the site refuses this program (auto). [default: the site's own in sites.toml, else http]"
    ),
)


def _checkproxy_option(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        check_proxy(value)
    except InvalidInput as error:
        raise _build_error(error, ctx, param) from None
    if has_password(value) and _is_from(ParameterSource.COMMANDLINE, ctx, param):
        raise click.BadParameter(_VISIBLE_TO_EVERYBODY.format("AURA_BROWSER_PROXY"), ctx, param)
    return value


def _build_error(error: InvalidInput, ctx: click.Context, param: click.Parameter) -> click.BadParameter:
    """Return what tells of an option's value: wrong usage, or a bad setting if it is from the environment."""
    kind = BadSetting if _is_from(ParameterSource.ENVIRONMENT, ctx, param) else click.BadParameter
    return kind(error.problem, ctx, param)


def _is_from(source: ParameterSource, ctx: click.Context, param: click.Parameter) -> bool:
    return ctx.get_parameter_source(str(param.name)) is source


proxy_option: Decorator = click.option(
    "--proxy",
    metavar="URL",
    envvar="AURA_BROWSER_PROXY",
    show_envvar=True,
    callback=_checkproxy_option,
    help=(
        "A proxy for browser and client: http://host:port, or socks5://host:port (needs the extra socks). One with a "
        "password, http://user:password@host:port, is read from the environment only."
    ),
)


def _build_engine(
    *,
    engine: str | None,
    grid: str | None,
    attach: Attach | AttachChrome | None,
    profile: str | None,
    virtual_display: bool,
    sandbox: bool | None,
) -> Engine | None:
    """Return the engine that the options describe; None if they say nothing.

    Raises:
        UsageError: if they exclude each other.
    """
    options = {
        f"--engine {engine}": engine,
        "--grid (or AURA_BROWSER_GRID)": grid,
        "--attach": attach,
        "--profile": profile,
        "--virtual-display": virtual_display,
        "--sandbox/--no-sandbox": sandbox is not None,
    }
    given = [option for option, value in options.items() if value]
    if (grid or attach) and len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} can't be combined: that browser is not started here.")
    if grid:
        return Grid(grid)
    if attach:
        return attach
    if not given:
        return None
    kind = DefaultEngine if engine is None else LOCAL_ENGINES[engine]
    return kind(profile=profile, virtual_display=virtual_display, sandbox=sandbox)


def _check_grid_option(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    value = f"http://{value}" if _BARE_HOST.fullmatch(value) else value
    try:
        Grid(value)
    except InvalidInput as error:
        raise _build_error(error, ctx, param) from None
    if has_secret(value) and _is_from(ParameterSource.COMMANDLINE, ctx, param):
        raise click.BadParameter(_VISIBLE_TO_EVERYBODY.format("AURA_BROWSER_GRID"), ctx, param)
    return value


_ENGINE_OPTIONS: Final = (
    click.option(
        "--engine",
        type=click.Choice(list(LOCAL_ENGINES)),
        help=(
            "How Chrome is started here: by ChromeDriver (selenium), or without one and without any port (chrome). "
            "undetected, for sites that reject automated browsers, is an extra. [default: selenium; chrome where there "
            "is no ChromeDriver that matches Chrome]"
        ),
    ),
    click.option(
        "--grid",
        metavar="URL",
        envvar="AURA_BROWSER_GRID",
        show_envvar=True,
        callback=_check_grid_option,
        help="Use a browser of the Selenium Grid there, such as http://host:4444.",
    ),
    click.option(
        "--attach",
        metavar="chrome[:CHANNEL]|HOST:PORT",
        type=ParsedText(parse_attach),
        help=(
            "Use a tab of a Chrome that runs: chrome for your own (144 or newer), which asks you first; or one with "
            "--remote-debugging-port, such as 127.0.0.1:9222. It stays open."
        ),
    ),
    click.option(
        "--profile",
        metavar="NAME|DIR",
        help="Keep the browser's profile, so that a login lasts: the next harvest needs no window.",
    ),
    click.option(
        "--virtual-display",
        is_flag=True,
        help="Show the window on an invisible display. Needs the extra virtual-display, and Xvfb.",
    ),
    click.option(
        "--sandbox/--no-sandbox",
        default=None,
        help="Chrome's sandbox, which keeps a hostile page away from the system. [default: on, except for root]",
    ),
)


_ENGINE_NAMES: Final = ("engine", "grid", "attach", "profile", "virtual_display", "sandbox")


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the browser; the command gets them as one value ``engine``."""

    @functools.wraps(function)
    def command(**values: Any) -> Any:  # noqa: ANN401 - click's parameters
        named = {name: values.pop(name) for name in _ENGINE_NAMES}
        return function(engine=_build_engine(**named), **values)

    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


def session_options(*, session: bool = True, refresh: bool = False, transport: bool = False) -> Decorator:
    """Add the options that say how a session is got and kept; the command gets them as one value ``options``.

    They are the engine's, ``--proxy`` and ``--store``, and those asked for here. ``options`` is a
    :class:`aura_browser.assembly.SessionOptions`.

    Args:
        session: whether the command has ``--session``.
        refresh: whether the command has ``--refresh``.
        transport: whether the command has ``--transport``.
    """
    added = [engine_options, proxy_option, *([session_option] if session else []), store_option]
    added[:0] = [*([_refresh_option] if refresh else []), *([_transport_option] if transport else [])]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**values: Any) -> Any:  # noqa: ANN401 - click's parameters
            options: SessionOptions = {
                "engine": values.pop("engine"),
                "proxy": values.pop("proxy"),
                "store": values.pop("store"),
            }
            if session:
                options["session"] = values.pop("session_name")
            if refresh:
                options["refresh"] = values.pop("refresh")
            if transport:
                options["transport"] = values.pop("transport")
            return function(options=options, **values)

        for option in reversed(added):
            command = option(command)
        return command

    return decorate


def list_in_force(options: "SessionOptions", *, output: str | None = None) -> tuple[str, ...]:
    """Return *options* as words of ``aura-browser harvest``, for the command that errors name.

    Args:
        options: a command's options, as :func:`session_options` gives them.
        output: the file that the session is written to, or None.
    """
    store = options.get("store")
    return list_options(
        engine=options.get("engine"),
        proxy=options.get("proxy"),
        session=str(options.get("session", DEFAULT_SESSION)),
        store=None if store is None else str(store),
        output=output,
        transport=options.get("transport") or "http",
    )
