"""What attackers send: raw requests, each to be refused; a replay is thanked for, but rings nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.receiver.calling import SUBMISSION, body, sign, signed

Attack = Callable[[random.Random], bytes]

REPLAYED = "replayed-job"
"""A job that has rung; whoever saw that callback sends it again."""


def request(
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
    *,
    target: str = f"/kie/done/{SUBMISSION}",
    method: str = "POST",
    more: str = "",
) -> bytes:
    """A request as it goes over the wire."""
    content = json.dumps(body()).encode() if content is None else content
    fields = {
        "Host": "receiver",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **(signed("any", time.time()) if headers is None else headers),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{method} {target} HTTP/1.1\r\n{lines}{more}\r\n".encode() + content


def of_task(task_id: str, headers: dict[str, str], **data: Any) -> bytes:
    return request(json.dumps(body(task_id, **data)).encode(), headers)


def name(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def forged(rng: random.Random) -> bytes:
    task = name(rng)
    return of_task(task, signed(task, time.time(), key=name(rng)))


def invented(rng: random.Random) -> bytes:
    signature = base64.b64encode(rng.randbytes(rng.choice([0, 1, 31, 32, 33, 64]))).decode() or "x"
    return of_task(name(rng), {**signed("any", time.time()), "X-Webhook-Signature": signature})


def replayed(rng: random.Random, headers: dict[str, str]) -> bytes:
    return of_task(REPLAYED, headers, state=rng.choice(["success", "fail", "generating"]))


def of_another_task(rng: random.Random) -> bytes:
    return of_task(name(rng), signed(name(rng), time.time()))


def old(rng: random.Random) -> bytes:
    task = name(rng)
    return of_task(task, signed(task, time.time() - rng.choice([302, 3600, 1e9])))


def from_the_future(rng: random.Random) -> bytes:
    task = name(rng)
    return of_task(task, signed(task, time.time() + rng.choice([310, 86400, 1e11])))


def shifted(rng: random.Random) -> bytes:
    task = name(rng)
    stamp = int(time.time())
    return of_task(
        task,
        {
            "X-Webhook-Timestamp": str(stamp + rng.choice([-60, -1, 1, 60])),
            "X-Webhook-Signature": sign(task, str(stamp)),
        },
    )


def bit_flipped(rng: random.Random) -> bytes:
    task = name(rng)
    headers = signed(task, time.time())
    raw = bytearray(base64.b64decode(headers["X-Webhook-Signature"]))
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return of_task(task, {**headers, "X-Webhook-Signature": base64.b64encode(raw).decode()})


def unsigned(rng: random.Random) -> bytes:
    return of_task(name(rng), {})


def signed_twice(rng: random.Random) -> bytes:
    task = name(rng)
    headers = signed(task, time.time())
    more = "".join(f"{header}: {value}\r\n" for header, value in headers.items())
    return request(json.dumps(body(task)).encode(), headers, more=more)


def huge(rng: random.Random) -> bytes:
    task = name(rng)
    headers = {**signed(task, time.time()), "Content-Length": str(rng.choice([300_000, 10**9, 10**30]))}
    return request(b"[" * 300_000, headers)


def huge_in_chunks(rng: random.Random) -> bytes:
    task = name(rng)
    headers = {**signed(task, time.time()), "Content-Length": "", "Transfer-Encoding": "chunked"}
    return (
        request(b"10000\r\n" + b" " * 65536 + b"\r\n", headers) + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 5
    )


def huge_head(rng: random.Random) -> bytes:
    return request(headers={"X-Webhook-Signature": "x" * 100_000})


def no_json(rng: random.Random) -> bytes:
    return request(rng.choice([b"", b"<html>", b"{", b"\x00\xff", b"taskId=1", rng.randbytes(500)]))


def deep_json(rng: random.Random) -> bytes:
    depth = rng.choice([1_000, 50_000, 200_000])
    return request(
        rng.choice([b"[" * depth, b'{"data":' * (depth // 8), b"[" * (depth // 2) + b"]" * (depth // 2)])
    )


def strange_json(rng: random.Random) -> bytes:
    return request(
        rng.choice(
            [
                b'{"taskId": "a", "taskId": "b"}',
                b'{"taskId": "a", "x": NaN}',
                b'{"taskId": "a", "x": ' + b"9" * 100_000 + b"}",
                b'{"taskId": "a\\ud83d\\r\\nInjected: yes"}',
                b'{"taskId": {"taskId": "a"}}',
                b'{"taskId": "a\xff"}',
            ]
        )
    )


def wrong_type(rng: random.Random) -> bytes:
    task = name(rng)
    wrong = rng.choice(
        [{"Content-Type": "text/plain"}, {"Content-Type": "text/xml"}, {"Content-Encoding": "gzip"}]
    )
    return of_task(task, {**signed(task, time.time()), **wrong})


def wrong_method(rng: random.Random) -> bytes:
    return request(b"", method=rng.choice(["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"]))


def wrong_path(rng: random.Random) -> bytes:
    return request(target=rng.choice(["/", "/../../etc/passwd", "/docs", "/kie/done/a/b", "/%00"]))


def no_http(rng: random.Random) -> bytes:
    return rng.choice(
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            b"GET\r\n\r\n",
            b"POST /kie/done HTTP/9.9\r\n\r\n",
            b"POST /kie/done HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            b"POST /kie/done HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            request(headers={"X-Webhook-Signature": "a\r\nb c"}),
            b"POST /kie/done HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        ]
    )


def broken_off(rng: random.Random) -> bytes:
    whole = of_task(name(rng), signed("any", time.time()))
    return whole[: rng.randrange(1, len(whole))]


ATTACKS: tuple[Attack, ...] = (
    forged,
    invented,
    of_another_task,
    old,
    from_the_future,
    shifted,
    bit_flipped,
    unsigned,
    signed_twice,
    huge,
    huge_in_chunks,
    huge_head,
    no_json,
    deep_json,
    strange_json,
    wrong_type,
    wrong_method,
    wrong_path,
    no_http,
    broken_off,
)


@dataclass
class Attackers:
    """Many attackers at once, against one port of this machine.

    Attributes:
        port: Where the receiver listens.
        captured: The headers of a genuine callback about `REPLAYED`.
        statuses: What was answered: (attack, status, text), 0 where the connection was cut.
    """

    port: int
    captured: dict[str, str]
    seed: int = 5
    statuses: Counter[tuple[str, int, str]] = field(default_factory=Counter)

    async def send(self, count: int, *, at_once: int = 24) -> None:
        """Send so many requests of all kinds."""
        left = iter(range(count))
        rng = random.Random(self.seed)

        async def one_after_the_other() -> None:
            for _ in left:
                kind = rng.randrange(len(ATTACKS) + 1)
                if kind == len(ATTACKS):
                    what, content = "replayed", replayed(rng, self.captured)
                else:
                    what, content = ATTACKS[kind].__name__, ATTACKS[kind](rng)
                self.statuses[(what, *await self._answer(content, end=what == "broken_off"))] += 1

        await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))

    async def drip(self, count: int, pause: float = 0.3) -> list[float]:
        """Send so many requests at once, a byte from time to time: after how many seconds each was ended."""

        async def one(number: int) -> float:
            content = of_task("slow", signed("slow", time.time()))
            begin = content.index(b"\r\n\r\n") + 4 if number % 2 else 10  # in the body, or in the head
            started = time.perf_counter()
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(content[:begin])
                ended = asyncio.ensure_future(reader.read(-1))
                for place in range(begin, len(content) - 1):
                    if ended.done():
                        break
                    writer.write(content[place : place + 1])
                    await asyncio.wait([ended], timeout=pause)
                ended.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await ended
                writer.transport.abort()
            return time.perf_counter() - started

        return await asyncio.gather(*(one(number) for number in range(count)))

    async def _answer(self, content: bytes, *, end: bool) -> tuple[int, str]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return 0, "no connection"
        try:
            writer.write(content)
            if end:
                writer.write_eof()
            answer = await asyncio.wait_for(reader.read(-1), 10)
        except OSError:
            return 0, "cut"
        finally:
            writer.transport.abort()
        if not answer:
            return 0, "nothing"
        head, _, text = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), text.decode()
