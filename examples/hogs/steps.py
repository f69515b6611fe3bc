"""Why a beat comes late: every step of asyncio's own loop, with three hogs.

The loop is asyncio's as it is. Its queue tells of each change, its selector
never waits, and its clock moves only while a hog computes, so that the same
steps come out every time; they stand in steps.json, which the book shows and
the tests compare.

    python examples/hogs/steps.py
"""

import asyncio
import json
from collections import deque
from selectors import DefaultSelector
from typing import Any

HOGS, SLICE = 3, 2  # milliseconds
DUE = 3  # of the only beat


class Record:
    """The steps so far, and what is needed to write down the next."""

    loop: "Loop"
    now = 0

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.running: str | None = None

    def name(self, handle: asyncio.Handle) -> str:
        # What asyncio keeps to itself: the function of a handle, and for whom
        # it is called. A task's step, or a timer's future.
        callback, arguments = handle._callback, handle._args  # type: ignore
        task = getattr(callback, "__self__", None)
        if isinstance(task, asyncio.Task):
            return task.get_name()
        assert isinstance(arguments[0], asyncio.Future), callback
        return "timer"

    def write(self, event: str, **details: Any) -> None:
        loop = self.loop
        self.steps.append(
            {
                "event": event,
                **details,
                "clock": self.now,
                "running": self.running,
                "ready": [self.name(handle) for handle in loop._ready],
                "timers": [
                    {"at": round(timer.when() * 1000), "task": "timer"}
                    for timer in loop._scheduled
                ],
            }
        )


class Queue(deque[asyncio.Handle]):
    """The queue of what is ready; it tells who joins it and who leaves it."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record

    def append(self, handle: asyncio.Handle) -> None:
        super().append(handle)
        record = self.record
        name = record.name(handle)
        if isinstance(handle, asyncio.TimerHandle):
            record.write("due", task=name)
        elif record.running == "timer":
            record.write("woken", task=name)
        elif record.running == name:
            record.running = None
            record.write("lets_go", task=name)

    def popleft(self) -> asyncio.Handle:
        handle = super().popleft()
        self.record.running = self.record.name(handle)
        self.record.write("runs", task=self.record.running)
        return handle


class Selector(DefaultSelector):  # type: ignore[misc]
    """Says that nothing is ready, at once, and tells that it was asked."""

    record: Record

    def select(self, timeout: float | None = None) -> list[Any]:
        self.record.running = None
        self.record.write("looks")
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self, record: Record) -> None:
        selector = Selector()
        selector.record, record.loop = record, self
        self.record = record
        super().__init__(selector)
        self._ready = Queue(record)

    def time(self) -> float:
        return self.record.now / 1000

    def call_at(self, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        handle = super().call_at(*arguments, **options)
        task, self.record.running = self.record.running, None
        self.record.write("sets_timer", task=task)
        return handle


async def hog(record: Record, name: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        record.now += SLICE
        record.write("computes", task=name)
        await asyncio.sleep(0)


async def beat(record: Record) -> None:
    await asyncio.sleep(DUE / 1000)
    record.write("beats", task="heart", late=record.now - DUE)


def record() -> list[dict[str, Any]]:
    record = Record()

    async def main() -> None:
        stop = asyncio.Event()
        names = [f"hog {number}" for number in range(1, HOGS + 1)]
        heart = asyncio.create_task(beat(record), name="heart")
        hogs = [
            asyncio.create_task(hog(record, name, stop), name=name)
            for name in names
        ]
        await heart
        stop.set()
        await asyncio.gather(*hogs)

    with asyncio.Runner(loop_factory=lambda: Loop(record)) as runner:
        runner.run(main())
    # What comes before the heart is spawned, and after it has beaten, is
    # not what this is about.
    events = [(step["event"], step.get("task")) for step in record.steps]
    first = events.index(("runs", "heart"))
    last = events.index(("beats", "heart"))
    return record.steps[first : last + 1]


if __name__ == "__main__":
    steps = ",\n  ".join(json.dumps(step) for step in record())
    print(f'{{"steps": [\n  {steps}\n]}}')
