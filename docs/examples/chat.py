"""Ask a chat site, and print the answer as it comes.

The first run opens Chrome once; later runs use the cached session.
"""

import asyncio
import os

from aura_browser import AuraClient, RateLimited

SITE = os.environ.get("AURA_EXAMPLE_URL", "https://openchat.team")


async def main() -> None:
    """Ask two questions in one conversation."""
    messages = [{"role": "system", "content": "Answer in one sentence."}]
    async with AuraClient(SITE) as client:
        for question in ("Why is the sky blue?", "And at sunset?"):
            messages.append({"role": "user", "content": question})
            answer = ""
            try:
                async for text in client.stream(messages):
                    print(text, end="", flush=True)
                    answer += text
            except RateLimited as error:
                print(f"The site asks to wait: {error}")
                return
            print()
            messages.append({"role": "assistant", "content": answer})


if __name__ == "__main__":
    asyncio.run(main())
