"""A Kafka broker that is slow to store: a proxy that clients are sent to keeps each append to some
topics for a while before the broker gets it. All else passes at once."""

import asyncio
import threading
from concurrent.futures import Future

PRODUCE = 0  # api key


class SlowAppends:
    """Between `port` on the loopback and the broker at `broker_port`."""

    def __init__(self, port: int, broker_port: int, topics: str) -> None:
        self.port = port
        self._topics = topics.encode()  # what the names of the slow ones end with
        self.delay_s = 0.0
        self.delayed = 0  # appends that were kept
        self.broker_port = broker_port
        self._loop = asyncio.new_event_loop()
        self._listening: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="slow-appends", daemon=True)

    def start(self) -> "SlowAppends":
        self._thread.start()
        self._listening.result(30)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # --- on the thread ---

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20))
            self._listening.set_result(None)
        except OSError as error:
            self._listening.set_exception(error)
            return
        self._loop.run_forever()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            broker, to_broker = await asyncio.open_connection("127.0.0.1", self.broker_port)
        except OSError:
            to_client.close()
            return
        ways = [asyncio.ensure_future(self._requests(client, to_broker)),
                asyncio.ensure_future(self._answers(broker, to_client))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_broker.close()
        to_client.close()

    async def _requests(self, client: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        while True:
            size = await client.readexactly(4)
            body = await client.readexactly(int.from_bytes(size, "big"))
            if (self.delay_s > 0 and int.from_bytes(body[:2], "big") == PRODUCE
                    and self._topics in body):
                self.delayed += 1
                await asyncio.sleep(self.delay_s)  # the disk, not the test
            broker.write(size + body)
            await broker.drain()

    async def _answers(self, broker: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await broker.read(1 << 16):
            client.write(data)
            await client.drain()
