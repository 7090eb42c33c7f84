"""The environment of the programs that a harvest starts."""

import os


def copy_environment() -> dict[str, str]:
    """Return this process's environment without the ``AURA_BROWSER_`` variables, some of which hold secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AURA_BROWSER_")}
