"""``python -m aura_browser`` is ``aura-browser``."""

import sys

from aura_browser.cli import main

if __name__ == "__main__":
    sys.exit(main())
