"""Sessions in the formats of other programs: pure functions that write and read them.

>>> dump(session, "netscape", DumpOptions(now=time.time())).text
>>> load(Path("cookies.txt").read_bytes(), now=time.time(), url="https://example.com/").session
"""

from typing import TYPE_CHECKING

from aura_browser.formats.dumped import Dumped, DumpOptions
from aura_browser.formats.table import DUMPS, dump

if TYPE_CHECKING:
    from aura_browser.formats.recognition import Loaded, load

__all__ = ["DUMPS", "DumpOptions", "Dumped", "Loaded", "dump", "load"]


def __getattr__(name: str) -> object:
    # When used: it knows many more formats than are written.
    if name in {"Loaded", "load"}:
        from aura_browser.formats import recognition

        return getattr(recognition, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
