"""Where a person's configuration is."""

import os
from pathlib import Path
from typing import Final

from aura_browser.errors import InvalidInput

FOLDER_VARIABLE: Final = "AURA_BROWSER_CONFIG"
FILE_NAME: Final = "sites.toml"


def find_sites_file() -> Path:
    """Return the path of ``sites.toml``: in the folder AURA_BROWSER_CONFIG, else in the user's configuration folder.

    Raises:
        InvalidInput: if this user has no home folder.
    """
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(os.path.expanduser(given), FILE_NAME)  # noqa: PTH111 - Path raises where there is no home
    import platformdirs

    try:
        return platformdirs.user_config_path("aura-browser", appauthor=False) / FILE_NAME
    except RuntimeError:  # neither HOME nor an entry of this user
        raise InvalidInput(FOLDER_VARIABLE, "this user has no home folder; name the folder of sites.toml") from None
