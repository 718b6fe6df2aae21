"""The same as peer.mjs for discord.py, Debian's python3-discord:  peer.py MODE API_BASE GATEWAY"""

import asyncio
import os
import signal
import sys

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

TOKEN = "MTAwNjYzMjk2MDAwMDAwMDAwMA.Gbench.not-a-real-token-0123456789abcdefghijk"
INTENTS = 53608447
MODE, API_BASE, GATEWAY = sys.argv[1:]


class Receiver(discord.Client):
    """Counts in dispatch(), which is called for each event: a handler would be a task for each."""

    count = 0

    def dispatch(self, event, /, *args, **keywords):
        if event == "socket_event_type":
            self.count += 1
        elif event == "ready":
            print("READY", flush=True)
        super().dispatch(event, *args, **keywords)


def do_not_compress():
    """It has no switch for that, but for a parameter of its own."""
    connect = DiscordWebSocket.from_client.__func__

    async def connect_plain(cls, client, **options):
        return await connect(cls, client, **{**options, "zlib": False})

    DiscordWebSocket.from_client = classmethod(connect_plain)


def main():
    if MODE == "zstd-stream":
        print(f"UNSUPPORTED discord.py {discord.__version__} has no zstd-stream")
        sys.exit(3)
    if MODE == "none":
        do_not_compress()
    Route.BASE = API_BASE
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(GATEWAY)
    client = Receiver(intents=discord.Intents._from_value(INTENTS), chunk_guilds_at_startup=False)

    def finish(*_):
        print(client.count, client.ws.sequence, flush=True)
        os._exit(0)

    async def run():
        async with client:
            client.loop.add_signal_handler(signal.SIGTERM, finish)
            await client.start(TOKEN)

    asyncio.run(run())


main()
