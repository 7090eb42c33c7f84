"""Runs ``aura-browser``, for its script and for ``python -m aura_browser``."""

import sys


def run() -> int:
    """Run the command and return its exit code. Ctrl-C while it is still being loaded ends it without a traceback."""
    try:
        from aura_browser.cli import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
