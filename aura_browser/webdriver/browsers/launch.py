"""How a Chrome on this machine is started, whoever starts it: profile, settings, flags and display."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aura_browser.engine import LocalEngine
from aura_browser.webdriver.browsers.capabilities import NEW_PROFILE_FLAGS, SAFE_PREFS
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.display import run_virtual_display
from aura_browser.webdriver.process.workspace import Workspace
from aura_browser.webdriver.profile import lock_profile, make_profile_folder

_log = logging.getLogger(__name__)

_NEW_PROFILE_PREFS: Final = SAFE_PREFS | {
    # Start with an empty page: Chrome's own start page costs half as much CPU time as the whole harvest.
    "session.restore_on_startup": 4,
    "session.startup_urls": ["about:blank"],
}
_KEPT_PROFILE_PREFS: Final = SAFE_PREFS | {
    # The same, plus "continue where you left off": otherwise session cookies, which many logins use, would be lost
    # when Chrome exits. https://chromeenterprise.google/policies/restore-on-startup/
    "session.restore_on_startup": 6,
    "session.startup_urls": ["about:blank"],
}


@dataclass(frozen=True, slots=True)
class Launch:
    """What a Chrome is started with.

    Attributes:
        profile: its user data folder.
        is_kept: whether the profile stays.
        flags: Chrome's flags.
        preferences: settings of the profile, by their names with dots.
        variables: further variables of the environment.
        has_window: whether Chrome shows a window.
    """

    profile: Path
    is_kept: bool
    flags: tuple[str, ...]
    preferences: dict[str, object]
    variables: dict[str, str]
    has_window: bool


@contextmanager
def prepare_launch(
    engine: LocalEngine, options: BrowserOptions, workspace: Workspace, *, flags: Sequence[str] = ()
) -> Iterator[Launch]:
    """Lock the engine's profile and run its display while the context lasts.

    Args:
        engine: for its profile, display and sandbox.
        options: for the window.
        workspace: for a profile that is not kept.
        flags: further flags for Chrome.

    Raises:
        InvalidInput: if the engine's profile or display can't work.
        LaunchFailed: if another harvest uses the profile, or the display does not start.
    """
    kept = None if engine.profile is None else make_profile_folder(engine.profile)
    profile = kept or workspace.folder / "profile"
    own_flags = _list_flags(profile, engine.sandbox)
    # Chrome makes this folder, ~/Downloads by default, also where downloads are refused.
    downloads = {"download.default_directory": str(workspace.folder / "downloads")}
    with ExitStack() as exits:
        variables = {}
        if engine.virtual_display:
            variables = exits.enter_context(run_virtual_display(workspace, options.deadline))
        if kept:
            exits.enter_context(lock_profile(kept, options.deadline))
        yield Launch(
            profile=profile,
            is_kept=kept is not None,
            flags=(*own_flags, *(() if kept else NEW_PROFILE_FLAGS), *flags),
            preferences=(_KEPT_PROFILE_PREFS if kept else _NEW_PROFILE_PREFS) | downloads,
            variables=variables,
            has_window=options.interactive or engine.virtual_display,
        )


def _list_flags(profile: Path, sandbox: bool | None) -> Iterator[str]:  # noqa: FBT001 - the engine's setting
    # With a pipe, Chrome exits when who holds it does, even if that is killed.
    yield "--remote-debugging-pipe"
    yield f"--user-data-dir={profile}"
    if sandbox is False:
        yield "--no-sandbox"
    elif sandbox is None and hasattr(os, "geteuid") and os.geteuid() == 0:
        _log.warning("Running as root: Chrome can't use its sandbox and is started without it.")
        yield "--no-sandbox"
