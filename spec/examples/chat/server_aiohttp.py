"""The chat on python3-aiohttp. Its port is the first argument."""
import asyncio
import json
import sys

from aiohttp import WSMsgType, web
from chat import MAX_BYTES, Chat

chat = Chat()


async def serve(request):
    socket = web.WebSocketResponse(max_msg_size=MAX_BYTES)
    await socket.prepare(request)
    client = chat.connect()
    outbox = asyncio.Queue()

    async def write():
        while True:
            await socket.send_str(json.dumps(await outbox.get()))

    writer = asyncio.create_task(write())
    outbox.put_nowait({"type": "welcome", "you": client})
    try:
        async for frame in socket:
            if frame.type == WSMsgType.BINARY:
                await socket.close(code=1003, message=b"text only")
            if frame.type != WSMsgType.TEXT:
                break
            reply, others = chat.answer(client, outbox.put_nowait, frame.data)
            outbox.put_nowait(reply)
            for send, message in others:
                send(message)
    finally:
        chat.disconnect(client)
        writer.cancel()
    return socket


app = web.Application()
app.router.add_get("/chat", serve)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
