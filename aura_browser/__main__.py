"""Runs ``aura-browser`` for ``python -m aura_browser``."""

import sys

from aura_browser.cli import main

if __name__ == "__main__":
    sys.exit(main())
