"""The environment of the programs that a harvest starts."""

import os


def without_secrets() -> dict[str, str]:
    """Return this process's environment without our own variables: some hold passwords and keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AURA_BROWSER_")}
