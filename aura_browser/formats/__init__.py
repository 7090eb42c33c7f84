"""Sessions in the formats of other programs: pure functions that write and read them.

>>> dump(session, "netscape", DumpOptions(now=time.time())).text
>>> load(Path("cookies.txt").read_bytes(), now=time.time(), url="https://example.com/").session
"""

from aura_browser.formats.dumped import Dumped, DumpOptions
from aura_browser.formats.recognition import Loaded, load
from aura_browser.formats.table import DUMPS, dump

__all__ = ["DUMPS", "DumpOptions", "Dumped", "Loaded", "dump", "load"]
