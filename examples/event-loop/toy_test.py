"""What the loop in toy.py promises, each promise tried out.

    python examples/event-loop/toy_test.py
"""

import socket
import time
import unittest
from collections import Counter
from functools import partial
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any
from unittest import mock

import toy
from toy import Future, Loop, Task, sock_accept, sock_recv, sock_sendall


# ANCHOR: echo
async def echo(loop: Loop, connection: socket.socket) -> None:
    with connection:
        while data := await sock_recv(loop, connection, 4096):
            await sock_sendall(loop, connection, data)


async def serve(loop: Loop, listener: socket.socket, clients: int) -> None:
    echoes = []
    for _ in range(clients):
        connection, _ = await sock_accept(loop, listener)
        echoes.append(Task(loop, echo(loop, connection)))
    for task in echoes:
        await task
# ANCHOR_END: echo


class Turns(unittest.TestCase):
    def setUp(self) -> None:
        self.loop = Loop()
        self.seen: list[Any] = []

    def test_a_call_runs_nothing(self) -> None:
        async def body() -> None:
            self.seen.append("ran")

        coro = body()
        self.assertEqual(self.seen, [])
        self.loop.run(coro)
        self.assertEqual(self.seen, ["ran"])

    def test_what_a_turn_adds_runs_in_the_next(self) -> None:
        def again() -> None:
            self.seen.append("ran")
            self.loop.ready.append(again)

        self.loop.ready.append(again)
        with self.loop.selector:
            for turns in (1, 2, 3):
                self.loop.turn()
                self.assertEqual(len(self.seen), turns)

    def test_tasks_take_turns(self) -> None:
        async def work(name: str) -> None:
            for _ in range(3):
                self.seen.append(name)
                await self.loop.one_turn()

        async def main() -> None:
            for task in [Task(self.loop, work(name)) for name in "ab"]:
                await task

        self.loop.run(main())
        self.assertEqual("".join(self.seen), "ababab")

    def test_a_thousand_ready_awaits_give_nobody_a_turn(self) -> None:
        async def ready() -> None:
            pass

        async def other() -> None:
            self.seen.append("other")

        async def main() -> None:
            task = Task(self.loop, other())
            for _ in range(1000):
                await ready()
            self.assertEqual(self.seen, [])
            await task

        self.loop.run(main())
        self.assertEqual(self.seen, ["other"])

    def test_timers_fire_in_order_and_when_they_are_due(self) -> None:
        now = 0.0

        def select(timeout: float) -> list[Any]:
            nonlocal now
            now += timeout  # all the loop does is wait, and nothing comes
            return []

        async def nap(seconds: float) -> None:
            await self.loop.sleep(seconds)
            self.seen.append((seconds, now))

        async def main() -> None:
            naps = [3600.0, 60.0, 1800.0, 0.0]
            for task in [Task(self.loop, nap(length)) for length in naps]:
                await task

        with (
            mock.patch("time.monotonic", lambda: now),
            mock.patch.object(self.loop.selector, "select", select),
        ):
            self.loop.run(main())
        self.assertEqual(
            self.seen,
            [(0.0, 0.0), (60.0, 60.0), (1800.0, 1800.0), (3600.0, 3600.0)],
        )

    def test_it_sleeps_in_the_kernel_meanwhile(self) -> None:
        async def nap() -> None:
            began = time.monotonic()
            await self.loop.sleep(0.1)
            self.assertGreaterEqual(time.monotonic() - began, 0.1)

        one_turn = mock.Mock(wraps=self.loop.turn)
        with mock.patch.object(self.loop, "turn", one_turn):
            self.loop.run(nap())
        # One until the task sleeps, one for the timer. A third is granted
        # to kernels whose clock is coarser than ours.
        self.assertLessEqual(one_turn.call_count, 3)

    def test_equal_deadlines_fire_as_they_were_set(self) -> None:
        with mock.patch("time.monotonic", return_value=7.0):
            for name in "abc":
                self.loop.call_later(0, partial(self.seen.append, name))
            with self.loop.selector:
                self.loop.turn()
        self.assertEqual(self.seen, ["a", "b", "c"])


class Results(unittest.TestCase):
    def setUp(self) -> None:
        self.loop = Loop()

    def test_an_exception_comes_out_where_the_task_is_awaited(self) -> None:
        async def fails() -> None:
            await self.loop.one_turn()
            raise ValueError("from below")

        async def main() -> str:
            task = Task(self.loop, fails())
            try:
                await task
            except ValueError as error:
                return str(error)
            return "nothing came"

        self.assertEqual(self.loop.run(main()), "from below")

    def test_an_exception_of_the_first_task_comes_out_of_run(self) -> None:
        async def fails() -> None:
            raise ValueError("from above")

        with self.assertRaisesRegex(ValueError, "from above"):
            self.loop.run(fails())

    def test_a_future_is_awaited_by_two_tasks_and_again(self) -> None:
        async def main() -> list[int]:
            future: Future[int] = Future(self.loop)

            async def wait() -> int:
                return await future

            tasks = [Task(self.loop, wait()) for _ in range(2)]
            await self.loop.one_turn()  # both are waiting now
            future.finish(42)
            return [await task for task in tasks] + [await future]

        self.assertEqual(self.loop.run(main()), [42, 42, 42])

    def test_a_future_is_finished_once(self) -> None:
        future: Future[int] = Future(self.loop)
        self.loop.selector.close()
        future.finish(1)
        with self.assertRaisesRegex(RuntimeError, "done already"):
            future.finish(2)
        self.assertEqual(future.result(), 1)


class Sockets(unittest.TestCase):
    def test_echo_over_tcp(self) -> None:
        loop = Loop()
        message = bytes(range(256)) * 4096

        async def ask(address: Any) -> None:
            # The kernel completes the connection; accept only takes it.
            with socket.create_connection(address) as client:
                # Two sockets for one connection: each may have a waiter.
                with client.dup() as receiver:
                    # So small that sending has to wait for the receiver.
                    client.setsockopt(
                        socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384
                    )
                    client.setblocking(False)
                    receiver.setblocking(False)
                    sending = Task(loop, sock_sendall(loop, client, message))
                    answer = bytearray()
                    while len(answer) < len(message):
                        answer += await sock_recv(loop, receiver, 65_536)
                    await sending
            self.assertEqual(answer, message)

        async def main() -> None:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                listener.setblocking(False)
                server = Task(loop, serve(loop, listener, clients=3))
                address = listener.getsockname()
                for client in [Task(loop, ask(address)) for _ in range(3)]:
                    await client
                await server

        waits: Counter[int] = Counter()
        until = toy.until

        def counted(loop: Loop, sock: socket.socket, event: int) -> Any:
            waits[event] += 1
            return until(loop, sock, event)

        with mock.patch("toy.until", counted):
            loop.run(main())
        self.assertGreater(waits[EVENT_READ], 0)
        self.assertGreater(waits[EVENT_WRITE], 0)


class Length(unittest.TestCase):
    def test_its_length_is_what_the_chapter_says(self) -> None:
        source = Path(toy.__file__).read_text("utf-8")
        begin = source.index("class Loop:")
        end = source.index("@coroutine\ndef until")
        lines = [line.strip() for line in source[begin:end].splitlines()]
        code = [line for line in lines if line and not line.startswith("#")]
        self.assertEqual(len(code), 65)


if __name__ == "__main__":
    unittest.main()
