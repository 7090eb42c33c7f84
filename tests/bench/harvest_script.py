"""What a person's own script looks like: harvest the page named on the command line by an engine, with conditions."""

import asyncio
import sys

from aura_browser import Condition, harvest, page_site
from aura_browser.engine import LOCAL_ENGINES

engine = LOCAL_ENGINES[sys.argv[2]]()
until = tuple(Condition.parse(text) for text in sys.argv[3:])
session = asyncio.run(harvest(page_site(sys.argv[1], until), engine=engine))
sys.stdout.write(f"{len(session.cookies)} {session.user_agent}\n")
