"""Every step of the sixty lines, written down: what is ready, who sleeps, who
waits for a socket.

Four tasks run on toy.py's loop, which is used as it is. What is written down
comes from what the loop calls: a queue, a heap's list and a selector that tell
of each change, and a clock that moves only when the loop sleeps. So the same
steps come out every time; they stand in steps.json, which the book shows and
the tests compare.

    python examples/event-loop/steps.py
"""

import json
import socket
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import toy
from toy import Future, Loop, Task, sock_recv, sock_sendall


class Clock:
    """In the place of the module time: milliseconds that only a wait moves."""

    now = 0

    def monotonic(self) -> float:
        return self.now / 1000


class Record:
    """The steps so far, and what is needed to write down the next."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self.loop, self.clock = loop, clock
        self.steps: list[dict[str, Any]] = []
        self.running: str | None = None
        self.names: dict[int, str] = {}

    def name(self, callback: Callable[[], None]) -> str:
        task = callback.__self__  # type: ignore[attr-defined]
        return self.names[id(task)]

    def write(self, event: str, **details: Any) -> None:
        loop = self.loop
        timers = sorted(loop.timers, key=lambda timer: timer[:2])
        self.steps.append(
            {
                "event": event,
                **details,
                "clock": self.clock.now,
                "running": self.running,
                "ready": [self.name(callback) for callback in loop.ready],
                "timers": [
                    {"at": round(when * 1000), "task": self.name(callback)}
                    for when, _, callback in timers
                ],
                "kernel": [
                    self.name(key.data)
                    for key in loop.selector.get_map().values()
                ],
                "tasks": [
                    self.name(callback)
                    for task in SPAWNED
                    if not task.done
                    for callback in task.waiting
                ],
            }
        )


class Queue(deque[Callable[[], None]]):
    """The queue of what is ready; it tells who joins it and who leaves it."""

    record: Record
    # Whose sockets are ready, once the kernel was asked and while the loop
    # has not begun to run what is in the queue.
    asked: set[str] | None = None

    def append(self, callback: Callable[[], None]) -> None:
        super().append(callback)
        if self.asked is not None:
            name = self.record.name(callback)
            event = "readable" if name in self.asked else "due"
            self.record.write(event, task=name)

    def extend(self, callbacks: Iterable[Callable[[], None]]) -> None:
        for callback in list(callbacks):
            super().append(callback)
            self.record.write("woken", task=self.record.name(callback))

    def popleft(self) -> Callable[[], None]:
        callback = super().popleft()
        self.asked = None
        record = self.record

        def step() -> None:
            record.running = record.name(callback)
            record.write("runs", task=record.running)
            callback()
            record.running = None

        return step


class Watched(toy.DefaultSelector):  # type: ignore[misc]
    """Asks the kernel at once, and moves the clock where the loop would sleep."""

    record: Record

    def select(self, timeout: float | None = None) -> list[Any]:
        record, clock = self.record, self.record.clock
        wait = None if timeout is None else round(timeout * 1000)
        found = super().select(0)
        if found or wait == 0:
            record.write("looks")
        else:
            assert wait is not None, "nobody would ever be woken"
            record.write("sleeps", until=clock.now + wait)
            clock.now += wait
        record.loop.ready.asked = {record.name(key.data) for key, _ in found}
        return found


def spawn(record: Record, name: str, coro: Coroutine[Any, None, Any]) -> Task:
    """A task whose suspensions and whose end are written down."""
    task: Task[Any] = Task.__new__(Task)
    record.names[id(task)] = name
    task.__init__(record.loop, Steps(record, name, coro))  # type: ignore
    record.write("spawned", task=name)
    return task


class Steps:
    """A coroutine, and a word on every suspension of it."""

    def __init__(
        self, record: Record, name: str, coro: Coroutine[Any, None, Any]
    ) -> None:
        self.record, self.name, self.coro = record, name, coro

    def send(self, value: None) -> Callable[..., Any]:
        record = self.record
        try:
            leave = self.coro.send(value)
        except StopIteration:
            record.running = None
            record.write("ends", task=self.name)
            raise

        def left(step: Callable[[], None]) -> None:
            before = self.places()
            leave(step)
            record.running = None
            after = self.places()
            where = next(place for place in after if after[place] > before[place])
            record.write(where, task=self.name)

        return left

    def places(self) -> dict[str, int]:
        loop = self.record.loop
        return {
            "lets_go": len(loop.ready),
            "sets_timer": len(loop.timers),
            "waits_for_socket": len(loop.selector.get_map()),
            "waits_for_task": sum(len(task.waiting) for task in SPAWNED),
        }


# Tasks that others may wait for.
SPAWNED: list[Future[None]] = []


async def sleeper(loop: Loop) -> None:
    await loop.sleep(0.020)


async def sender(loop: Loop, sock: socket.socket) -> None:
    await loop.one_turn()
    await sock_sendall(loop, sock, b"!")


async def receiver(loop: Loop, sock: socket.socket) -> None:
    await sock_recv(loop, sock, 1)


def record() -> list[dict[str, Any]]:
    clock = Clock()
    toy.time = clock  # type: ignore[assignment]
    loop = Loop()
    loop.selector.close()
    loop.selector, loop.ready = Watched(), Queue()
    written = Record(loop, clock)
    loop.selector.record = loop.ready.record = written
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)

        async def main() -> None:
            for name, coro in (
                ("sleeper", sleeper(loop)),
                ("receiver", receiver(loop, far)),
                ("sender", sender(loop, near)),
            ):
                SPAWNED.append(spawn(written, name, coro))
            for task in SPAWNED:
                await task

        first = spawn(written, "main", main())
        with loop.selector:
            while not first.done:
                loop.turn()
    return written.steps


if __name__ == "__main__":
    steps = ",\n  ".join(json.dumps(step) for step in record())
    print(f'{{"steps": [\n  {steps}\n]}}')
