"""Chrome's settings, written into a profile before Chrome starts, as ChromeDriver does."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_OWN: Final[Mapping[str, object]] = {
    "alternate_error_pages.enabled": False,
    "autofill.enabled": False,
    "browser.check_default_browser": False,
    "dns_prefetching.enabled": False,
    "credentials_enable_service": False,
    "profile.password_manager_enabled": False,
    # Otherwise Chrome asks Google about each page.
    "safebrowsing.enabled": False,
    "search.suggest_enabled": False,
    "translate.enabled": False,
}
_OWN_STATE: Final[Mapping[str, object]] = {
    # A Chrome in background mode would not exit with its last window.
    "background_mode.enabled": False,
    "ssl.rev_checking.enabled": False,
}


class SettingsDamaged(Exception):
    """A profile's settings can't be read; the message names the file."""


def write_settings(profile: Path, preferences: Mapping[str, object]) -> None:
    """Set *preferences* in the profile's settings; what else is there stays.

    Args:
        profile: Chrome's user data folder; created if it is new.
        preferences: values by their names, whose parts are separated by dots.

    Raises:
        SettingsDamaged: if there are settings that are no JSON object.
        OSError: if they can't be written.
    """
    (profile / "Default").mkdir(mode=0o700, parents=True, exist_ok=True)
    _update(profile / "Default" / "Preferences", {**_OWN, **preferences})
    _update(profile / "Local State", _OWN_STATE)


def _update(path: Path, values: Mapping[str, object]) -> None:
    settings = _read(path)
    for name, value in values.items():
        *folders, last = name.split(".")
        place = settings
        for folder in folders:
            inner = place.get(folder)
            if not isinstance(inner, dict):
                inner = place[folder] = {}
            place = inner
        place[last] = value
    _replace(path, json.dumps(settings))


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise SettingsDamaged(f"the profile's settings can't be read ({path})")
    return settings


def _replace(path: Path, text: str) -> None:
    """Write *text* to a new file of mode 0600 and put it in the place of *path*."""
    number, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
