from aura_browser import Aura, Messages

messages = Messages([
    {"role": "system", "content": "Ты ассистент, помогающий людям"},
    {"role": "user", "content": "Привет!"},
])

async def main():
    async for chunk in Aura.create_async_generator(model='openchat_3.6', messages=messages):
        print(chunk)

if __name__ == '__main__':
    import asyncio
    asyncio.run(main())
