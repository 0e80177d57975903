"""The chat on python3-websockets. Its port is the first argument."""
import asyncio
import http
import json
import sys

import websockets
from chat import MAX_BYTES, Chat

chat = Chat()


async def serve(socket, _path=None):
    client = chat.connect()
    outbox = asyncio.Queue()

    async def write():
        while True:
            await socket.send(json.dumps(await outbox.get()))

    writer = asyncio.create_task(write())
    outbox.put_nowait({"type": "welcome", "you": client})
    try:
        async for text in socket:
            if not isinstance(text, str):
                await socket.close(1003, "text only")
                break
            reply, others = chat.answer(client, outbox.put_nowait, text)
            outbox.put_nowait(reply)
            for send, message in others:
                send(message)
    except websockets.ConnectionClosed:
        pass
    finally:
        chat.disconnect(client)
        writer.cancel()


async def refuse_other_paths(path, _headers):
    return None if path.split("?")[0] == "/chat" else (http.HTTPStatus.NOT_FOUND, [], b"")


async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), max_size=MAX_BYTES, process_request=refuse_other_paths):
        await asyncio.Future()


asyncio.run(main())
