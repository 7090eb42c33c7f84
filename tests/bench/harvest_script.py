"""What a person's own script looks like: harvest the page named on the command line, with conditions."""

import asyncio
import sys

from aura_browser import Condition, harvest, page_site

until = tuple(Condition.parse(text) for text in sys.argv[2:])
session = asyncio.run(harvest(page_site(sys.argv[1], until)))
sys.stdout.write(f"{len(session.cookies)} {session.user_agent}\n")
