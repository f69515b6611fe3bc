"""What a turn of an event loop costs, and an echo through it.

First tasks that do nothing but let each other go on, turn after turn; then
pairs of tasks that send a message there and back over a pair of sockets. The
same work runs on the loop in toy.py, on asyncio's, on uvloop's, and on
asyncio's with its tasks written in Python instead of C. The twin is main.rs.

    python examples/event-loop/main.py
    python examples/event-loop/main.py --loop toy --tasks 100 --turns 1000
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

import toy

MESSAGE_BYTES = 1024
# Bounds what a slip of the finger could take of memory and descriptors.
MOST_TASKS = 100_000
MOST_PAIRS = 100
MOST_TURNS = 100_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


class Machine(NamedTuple):
    """What the work asks of a loop, by the names that both can answer to."""

    spawn: Callable[[Coroutine[Any, Any, int]], Awaitable[int]]
    one_turn: Callable[[], Awaitable[None]]
    recv: Callable[[socket.socket, int], Awaitable[bytes]]
    send: Callable[[socket.socket, bytes], Awaitable[None]]


def of_asyncio(loop: AbstractEventLoop) -> Machine:
    return Machine(
        spawn=loop.create_task,
        one_turn=partial(asyncio.sleep, 0),
        recv=loop.sock_recv,
        send=loop.sock_sendall,
    )


def of_toy(loop: toy.Loop) -> Machine:
    return Machine(
        spawn=partial(toy.Task, loop),
        one_turn=loop.one_turn,
        recv=partial(toy.sock_recv, loop),
        send=partial(toy.sock_sendall, loop),
    )


# ANCHOR: turns
async def take_turns(machine: Machine, index: int, turns: int) -> int:
    total = 0
    for _ in range(turns):
        total += index
        await machine.one_turn()
    return total


async def all_turns(machine: Machine, tasks: int, turns: int) -> int:
    running = [
        machine.spawn(take_turns(machine, index, turns))
        for index in range(tasks)
    ]
    return sum([await task for task in running])
# ANCHOR_END: turns


# ANCHOR: echo
async def echo(machine: Machine, sock: socket.socket) -> int:
    echoed = 0
    while data := await machine.recv(sock, 4096):
        await machine.send(sock, data)
        echoed += len(data)
    return echoed


async def ask(
    machine: Machine, sock: socket.socket, index: int, messages: int
) -> int:
    message = bytes([index]) * MESSAGE_BYTES
    for _ in range(messages):
        await machine.send(sock, message)
        answer = b""
        while len(answer) < MESSAGE_BYTES:
            part = await machine.recv(sock, 4096)
            if not part:
                raise Failure("the echo closed its side too early")
            answer += part
        if answer != message:
            raise Failure("the echo is not what was sent")
    sock.shutdown(socket.SHUT_WR)  # the echo reads its end
    return 0
# ANCHOR_END: echo


async def all_echoes(machine: Machine, pairs: int, messages: int) -> int:
    sockets = [socket.socketpair() for _ in range(pairs)]
    try:
        running = []
        for index, (near, far) in enumerate(sockets):
            near.setblocking(False)
            far.setblocking(False)
            running.append(machine.spawn(echo(machine, far)))
            running.append(machine.spawn(ask(machine, near, index, messages)))
        return sum([await task for task in running])
    finally:
        for near, far in sockets:
            near.close()
            far.close()


async def measured(
    work: Coroutine[Any, Any, int], units: int, expected: int
) -> tuple[int, dict[str, Any]]:
    """What the work gave, and what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = await work
    seconds = time.perf_counter() - wall
    cpu_seconds = time.process_time() - cpu
    if answer != expected:
        raise Failure(f"the answer is {answer}, not {expected}")
    phase = {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": units}
    return answer, phase


async def run(
    machine: Machine, tasks: int, turns: int, pairs: int, messages: int
) -> dict[str, Any]:
    total, turned = await measured(
        all_turns(machine, tasks, turns),
        units=tasks * turns,
        expected=turns * (tasks * (tasks - 1) // 2),
    )
    size, echoed = await measured(
        all_echoes(machine, pairs, messages),
        units=pairs * messages,
        expected=pairs * messages * MESSAGE_BYTES,
    )
    return {
        "result": {"turns": tasks * turns, "sum": total, "bytes": size},
        "phases": {"turns": turned, "echo": echoed},
    }


def tasks_in_python(
    loop: AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
) -> Any:
    # What asyncio falls back on where its C module is missing; it has no
    # public name, and says the same as the C code in a readable way.
    return asyncio.tasks._PyTask(coro, loop=loop, **options)


async def run_in_asyncio(*sizes: int) -> dict[str, Any]:
    return await run(of_asyncio(asyncio.get_running_loop()), *sizes)


def run_on(name: str, *sizes: int) -> dict[str, Any]:
    if name == "toy":
        loop = toy.Loop()
        return loop.run(run(of_toy(loop), *sizes))
    factory = None
    if name == "uvloop":
        try:
            import uvloop
        except ImportError as error:
            sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        if name == "python-tasks":
            runner.get_loop().set_task_factory(tasks_in_python)
        return runner.run(run_in_asyncio(*sizes))


def whole_number(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from 1 to {most}"
            )
        return int(text)

    return parse


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--loop",
        choices=("toy", "asyncio", "python-tasks", "uvloop"),
        default="toy",
        help="the event loop (default: %(default)s)",
    )
    for name, default, most, text in (
        ("tasks", 100, MOST_TASKS, "how many tasks take turns"),
        ("turns", 1000, MOST_TURNS, "how many turns each of them takes"),
        ("pairs", 10, MOST_PAIRS, "how many pairs send messages"),
        ("messages", 100, MOST_TURNS, "how many messages each pair sends"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole_number(most),
            default=default,
            metavar="N",
            help=f"{text} (default: %(default)s)",
        )
    options = parser.parse_args()
    sizes = options.tasks, options.turns, options.pairs, options.messages
    try:
        report = run_on(options.loop, *sizes)
    except (Failure, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
