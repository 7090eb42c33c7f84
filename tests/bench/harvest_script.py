"""What a person's own script looks like: harvest the page named on the command line."""

import asyncio
import sys

from aura_browser import harvest, page_site

session = asyncio.run(harvest(page_site(sys.argv[1])))
sys.stdout.write(f"{len(session.cookies)} {session.user_agent}\n")
