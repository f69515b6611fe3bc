"""An event loop small enough to read: about sixty lines.

A queue of what is ready, a heap of timers, a selector for sockets; tasks that
drive coroutines, and futures. Below it, what sockets need: sock_recv and
friends, with the names that asyncio's loop has for them. toy_test.py tries
out what this promises, main.py measures it.

Left out is most of what makes asyncio usable: cancellation, contexts, waking
it from other threads, signals, subprocesses, transports, debug mode, a handler
for errors that nobody awaits. A socket has one waiter at a time, and a loop
runs once.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from itertools import count
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from socket import socket
from types import coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Callback = Callable[[], None]
# What a coroutine hands up when it suspends: whom to give its callback to.
Suspension = Generator[Callable[[Callback], Any], None, T]


# ANCHOR: queue
class Loop:
    def __init__(self) -> None:
        self.ready: deque[Callback] = deque()
        self.timers: list[tuple[float, int, Callback]] = []
        self.order = count()  # of equal deadlines, the first set comes first
        self.selector = DefaultSelector()  # epoll, kqueue or what there is

    def call_later(self, seconds: float, callback: Callback) -> None:
        when = time.monotonic() + seconds
        heapq.heappush(self.timers, (when, next(self.order), callback))
# ANCHOR_END: queue

    # ANCHOR: turn
    def turn(self) -> None:
        timeout = None  # sleep until a socket is ready
        if self.ready:
            timeout = 0.0  # only look whether one is
        elif self.timers:
            timeout = max(0.0, self.timers[0][0] - time.monotonic())

        for key, _ in self.selector.select(timeout):
            self.ready.append(key.data)
        while self.timers and self.timers[0][0] <= time.monotonic():
            self.ready.append(heapq.heappop(self.timers)[2])

        for _ in range(len(self.ready)):  # what they add is for the next turn
            self.ready.popleft()()
    # ANCHOR_END: turn

    # ANCHOR: run
    def run(self, coro: Coroutine[Any, None, T]) -> T:
        task = Task(self, coro)
        with self.selector:
            while not task.done:
                self.turn()
        return task.result()
    # ANCHOR_END: run

    # ANCHOR: suspend
    @coroutine
    def one_turn(self) -> Suspension[None]:
        yield self.ready.append

    @coroutine
    def sleep(self, seconds: float) -> Suspension[None]:
        yield lambda step: self.call_later(seconds, step)
    # ANCHOR_END: suspend


# ANCHOR: future
class Future(Generic[T]):
    value: T

    def __init__(self, loop: Loop) -> None:
        self.loop, self.done = loop, False
        self.waiting: list[Callback] = []

    def finish(self, value: Any, error: Exception | None = None) -> None:
        if self.done:
            raise RuntimeError("this future is done already")
        self.done, self.value, self.error = True, value, error
        self.loop.ready.extend(self.waiting)

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return self.value

    def __await__(self) -> Suspension[T]:
        if not self.done:
            yield self.waiting.append
        return self.result()
# ANCHOR_END: future


# ANCHOR: task
class Task(Future[T]):
    def __init__(self, loop: Loop, coro: Coroutine[Any, None, T]) -> None:
        super().__init__(loop)
        self.coro = coro
        loop.ready.append(self.step)

    def step(self) -> None:
        try:
            call_me_back = self.coro.send(None)  # runs as far as it can
        except StopIteration as end:
            self.finish(end.value)
        except Exception as error:
            self.finish(None, error)
        else:
            call_me_back(self.step)
# ANCHOR_END: task


# ANCHOR: sockets
@coroutine
def until(loop: Loop, sock: socket, event: int) -> Suspension[None]:
    yield lambda step: loop.selector.register(sock, event, step)
    loop.selector.unregister(sock)


async def sock_recv(loop: Loop, sock: socket, size: int) -> bytes:
    while True:
        try:
            return sock.recv(size)
        except BlockingIOError:
            await until(loop, sock, EVENT_READ)
# ANCHOR_END: sockets


async def sock_sendall(loop: Loop, sock: socket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[sock.send(rest) :]
        except BlockingIOError:
            await until(loop, sock, EVENT_WRITE)


async def sock_accept(loop: Loop, sock: socket) -> tuple[socket, Any]:
    while True:
        try:
            connection, address = sock.accept()
        except BlockingIOError:
            await until(loop, sock, EVENT_READ)
        else:
            connection.setblocking(False)
            return connection, address
