"""A fast producer and a slow consumer over an asyncio.Queue, bounded or not.

In the phase `slow` messages of some size are made faster than they are used;
memory is watched meanwhile, and each message's age noted when its turn comes.
With --when-full shed, what finds no room is counted and let go. The phase
`pass` has no slow side: numbers go through the same kind of queue, to see
what that costs. The twin is main.rs.

    python examples/fast-producer/main.py
    python examples/fast-producer/main.py --bound 0
    python examples/fast-producer/main.py --when-full shed --loop uvloop
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import AbstractEventLoop, Queue, QueueFull
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: message
@dataclass(slots=True)
class Message:
    number: int
    payload: bytes
    made: float = field(default_factory=time.perf_counter)

    def check(self) -> int:
        return self.number + self.payload[0] + self.payload[-1]


def make(number: int, size: int) -> Message:
    return Message(number, bytes([number % 251]) * size)
# ANCHOR_END: message


@dataclass(slots=True)
class Plan:
    """What the slow phase is to do; times are in seconds."""

    messages: int
    size: int
    make_every: float
    use_every: float


@dataclass(slots=True)
class Shed:
    """What the producer let go."""

    messages: int = 0
    total: int = 0


async def until(due: float) -> None:
    await asyncio.sleep(due - time.perf_counter())


# ANCHOR: produce
async def produce(queue: Queue[Message | None], plan: Plan) -> Shed:
    start = time.perf_counter()
    for number in range(plan.messages):
        await until(start + number * plan.make_every)
        await queue.put(make(number, plan.size))
    await queue.put(None)
    return Shed()
# ANCHOR_END: produce


# ANCHOR: shed
async def produce_or_shed(queue: Queue[Message | None], plan: Plan) -> Shed:
    start = time.perf_counter()
    shed = Shed()
    for number in range(plan.messages):
        await until(start + number * plan.make_every)
        message = make(number, plan.size)
        try:
            queue.put_nowait(message)
        except QueueFull:
            shed.messages += 1
            shed.total += message.check()
    await queue.put(None)
    return shed
# ANCHOR_END: shed


@dataclass(slots=True)
class Consumed:
    """What arrived, and how old each message was, in microseconds."""

    ages_us: list[int] = field(default_factory=list)
    total: int = 0


# ANCHOR: consume
async def consume(queue: Queue[Message | None], plan: Plan) -> Consumed:
    consumed = Consumed()
    start = time.perf_counter()
    while (message := await queue.get()) is not None:
        age = time.perf_counter() - message.made
        consumed.ages_us.append(max(1, round(age * 1e6)))
        consumed.total += message.check()
        await until(start + len(consumed.ages_us) * plan.use_every)
    return consumed
# ANCHOR_END: consume


def memory_bytes(kind: str) -> int:
    """VmRSS is what is resident now, VmHWM the most that ever was."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            match line.split():
                case [name, kibibytes, "kB"] if name == f"{kind}:":
                    return int(kibibytes) * 1024
    raise Failure(f"/proc/self/status has no {kind} in kB")


# ANCHOR: watch
async def watch(points: list[tuple[int, int]]) -> None:
    """Notes milliseconds and resident memory until it is cancelled."""
    start = time.perf_counter()
    while True:
        elapsed = time.perf_counter() - start
        points.append((int(elapsed * 1000), memory_bytes("VmRSS")))
        await asyncio.sleep(0.008)
# ANCHOR_END: watch


async def slow(bound: int, shed: bool, plan: Plan) -> dict[str, Any]:
    queue: Queue[Message | None] = Queue(maxsize=bound)
    produced = (produce_or_shed if shed else produce)(queue, plan)
    points: list[tuple[int, int]] = []
    wall, cpu = time.perf_counter(), time.process_time()
    watching = asyncio.create_task(watch(points))
    gone, consumed = await asyncio.gather(produced, consume(queue, plan))
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": plan.messages,
        "memory_bytes": memory_bytes("VmHWM"),
        "counts": {"shed": gone.messages},
        "latencies_us": consumed.ages_us,
        "series": {"memory_bytes": points},
    }
    watching.cancel()
    await asyncio.wait([watching])
    if len(consumed.ages_us) + gone.messages != plan.messages:
        raise Failure(
            f"{len(consumed.ages_us)} of {plan.messages} messages arrived, "
            f"{gone.messages} were let go"
        )
    return {"total": consumed.total + gone.total, "phase": phase}


# ANCHOR: pass
async def send_all(queue: Queue[int], numbers: int) -> None:
    for number in range(numbers):
        await queue.put(number)


async def take_all(queue: Queue[int], numbers: int) -> tuple[int, int]:
    """How many were waiting before the first was taken; the sum of all."""
    waiting, total = queue.qsize(), 0
    for _ in range(numbers):
        total += await queue.get()
    return waiting, total
# ANCHOR_END: pass


async def send_all_trying(queue: Queue[int], numbers: int) -> None:
    for number in range(numbers):
        try:
            queue.put_nowait(number)
        except QueueFull:
            await queue.put(number)


async def passing(
    bound: int, shed: bool, numbers: int, passes: int
) -> dict[str, Any]:
    send = send_all_trying if shed else send_all
    most, total = 0, 0
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(passes):
        queue: Queue[int] = Queue(maxsize=bound)
        _, (waiting, total) = await asyncio.gather(
            send(queue, numbers), take_all(queue, numbers)
        )
        most = max(most, waiting)
        if total != numbers * (numbers - 1) // 2:
            raise Failure(f"the numbers add up to {total}")
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": passes * numbers,
        "counts": {"waiting": most},
    }
    return {"total": total, "phase": phase}


async def measured(options: argparse.Namespace) -> dict[str, Any]:
    plan = Plan(
        options.messages,
        options.size,
        options.make_every / 1000,
        options.use_every / 1000,
    )
    shed = options.when_full == "shed"
    first = await slow(options.bound, shed, plan)
    second = await passing(
        options.bound, shed, options.numbers, options.passes
    )
    return {
        "result": {"messages": first["total"], "numbers": second["total"]},
        "phases": {"slow": first["phase"], "pass": second["phase"]},
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def whole(least: int) -> Callable[[str], int]:
    most = 10_000_000

    def parse(text: str) -> int:
        digits = text.isascii() and text.isdigit()
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return int(text)

    return parse


def milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 10_000:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of milliseconds from 0.001 to 10000"
        )
    return value


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, least, default, what in (
        ("bound", 0, 32, "messages that the queue holds, 0 for any number"),
        ("messages", 1, 100, "messages made in the slow phase"),
        ("size", 1, 65_536, "bytes in each"),
        ("numbers", 1, 20_000, "numbers passed in one pass"),
        ("passes", 1, 1, "how often"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole(least),
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )
    for name, period, what in (
        ("make", 0.5, "from one message made to the next"),
        ("use", 1.0, "from one message used to the next"),
    ):
        parser.add_argument(
            f"--{name}-every",
            type=milliseconds,
            default=period,
            metavar="MS",
            help=f"{what}, in milliseconds (default: %(default)s)",
        )
    parser.add_argument(
        "--when-full",
        choices=("wait", "shed"),
        default="wait",
        help="what a producer does that finds no room (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    if options.when_full == "shed" and options.bound == 0:
        parser.error("--when-full shed: a queue without a bound is never full")
    return options


def main() -> None:
    options = parsed()
    factory = loop_factory(options.loop)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            report = runner.run(measured(options))
    except Failure as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
