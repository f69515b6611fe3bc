"""A race in a loop loses messages: how many, and what do the cures cost?

Messages come in parts; between the parts somebody asks how many messages
have been received. A loop that serves both races "the next message" against
"the next question". `cancel` starts both branches anew with every lap, so
that a question throws away the parts that were already there; `keep` keeps
the unfinished branch for the next lap; `tasks` gives each source a task of
its own and the loop one queue; `wait-for` is the same with a time-out around
each `get` of that queue. The twin is main.rs.

    python examples/lost-messages/main.py
    python examples/lost-messages/main.py --how keep --loop uvloop

The questions come at fixed places, and the sender waits for each answer, so
what is lost is the same in every run.
"""

import argparse
import asyncio
import json
import sys
import time
from asyncio import FIRST_COMPLETED, AbstractEventLoop, Future, Queue
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

# Every so many messages somebody asks, in the midst of one.
QUESTION_EVERY = 10
# Room in each queue.
ROOM = 16
# Seconds without an event after which something must be wrong.
PATIENCE = 60.0
# Bounds what a slip of the finger could take of the time.
MOST_MESSAGES = 100_000_000


class Failure(Exception):
    """What was done is not what was asked for."""


# ANCHOR: message
PARTS = 4


class Part(NamedTuple):
    place: int
    value: int


async def message(parts: Queue[Part | None]) -> list[int] | None:
    whole: list[int] = []
    while (part := await parts.get()) is not None:
        if part.place == len(whole):
            whole.append(part.value)
        # otherwise the beginning of this message is missing
        if len(whole) == PARTS:
            return whole
    return None
# ANCHOR_END: message


# A question: where to put the number of messages received so far.
Question = Future[int]


@dataclass
class Tally:
    received: int = 0
    sum: int = 0

    def add(self, whole: list[int]) -> None:
        self.received += 1
        self.sum += sum(whole)

    def answer(self, question: Question) -> None:
        if not question.done():  # who asked may have given up
            question.set_result(self.received)


# ANCHOR: lossy
async def lossy(
    parts: Queue[Part | None], questions: Queue[Question]
) -> Tally:
    tally = Tally()
    while True:
        following = asyncio.create_task(message(parts))
        asked = asyncio.create_task(questions.get())
        try:
            done, _ = await asyncio.wait(
                {following, asked}, return_when=FIRST_COMPLETED
            )
        finally:
            following.cancel()  # does nothing to those that are done
            asked.cancel()
        if asked in done:
            tally.answer(asked.result())
        if following in done:
            if (whole := following.result()) is None:
                return tally
            tally.add(whole)
# ANCHOR_END: lossy


# ANCHOR: kept
async def kept(
    parts: Queue[Part | None], questions: Queue[Question]
) -> Tally:
    tally = Tally()
    asked = asyncio.create_task(questions.get())
    try:
        while True:
            following = asyncio.create_task(message(parts))
            while not following.done():
                await asyncio.wait(
                    {following, asked}, return_when=FIRST_COMPLETED
                )
                if asked.done():
                    tally.answer(asked.result())
                    asked = asyncio.create_task(questions.get())
            if (whole := following.result()) is None:
                return tally
            tally.add(whole)
    finally:
        following.cancel()
        asked.cancel()
# ANCHOR_END: kept


# ANCHOR: tasks
Event = list[int] | Question | None


async def forward_messages(
    parts: Queue[Part | None], inbox: Queue[Event]
) -> None:
    while (whole := await message(parts)) is not None:
        await inbox.put(whole)
    await inbox.put(None)


async def forward_questions(
    questions: Queue[Question], inbox: Queue[Event]
) -> None:
    while True:
        await inbox.put(await questions.get())


async def by_tasks(
    parts: Queue[Part | None], questions: Queue[Question]
) -> Tally:
    inbox: Queue[Event] = Queue(ROOM)
    tally = Tally()
    async with asyncio.TaskGroup() as group:
        group.create_task(forward_messages(parts, inbox))
        asking = group.create_task(forward_questions(questions, inbox))
        while (event := await inbox.get()) is not None:
            if isinstance(event, list):
                tally.add(event)
            else:
                tally.answer(event)
        asking.cancel()  # nobody asks any more
    return tally
# ANCHOR_END: tasks


async def by_tasks_in_time(
    parts: Queue[Part | None], questions: Queue[Question]
) -> Tally:
    inbox: Queue[Event] = Queue(ROOM)
    tally = Tally()
    async with asyncio.TaskGroup() as group:
        group.create_task(forward_messages(parts, inbox))
        asking = group.create_task(forward_questions(questions, inbox))
        while True:
            # ANCHOR: wait_for
            event = await asyncio.wait_for(inbox.get(), timeout=PATIENCE)
            # ANCHOR_END: wait_for
            if event is None:
                break
            if isinstance(event, list):
                tally.add(event)
            else:
                tally.answer(event)
        asking.cancel()
    return tally


async def send(
    count: int, parts: Queue[Part | None], questions: Queue[Question]
) -> int:
    loop = asyncio.get_running_loop()
    answers = 0
    for number in range(1, count + 1):
        for place in range(PARTS):
            if place == PARTS // 2 and number % QUESTION_EVERY == 0:
                # Until the parts sent so far have been taken ...
                while not parts.empty():
                    await asyncio.sleep(0)
                # ... so that the question comes between two parts.
                question: Question = loop.create_future()
                await questions.put(question)
                await question
                answers += 1
            await parts.put(Part(place, number))
    await parts.put(None)
    return answers


How = Callable[[Queue[Part | None], Queue[Question]], Awaitable[Tally]]

HOW: dict[str, How] = {
    "cancel": lossy,
    "keep": kept,
    "tasks": by_tasks,
    "wait-for": by_tasks_in_time,
}


class Outcome(NamedTuple):
    answers: int
    received: int
    phase: dict[str, Any]


async def run(how: How, count: int) -> Outcome:
    wall, cpu = time.perf_counter(), time.process_time()
    parts: Queue[Part | None] = Queue(ROOM)
    questions: Queue[Question] = Queue(ROOM)
    async with asyncio.TaskGroup() as group:
        sender = group.create_task(send(count, parts, questions))
        tally = await how(parts, questions)
    answers = sender.result()
    phase = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "work": count,
    }

    # Whatever was lost: it is one of the messages that a question cut in
    # two, or none, and all others are here, whole.
    whole = PARTS * count * (count + 1) // 2
    cut = count // QUESTION_EVERY
    of_cut = PARTS * QUESTION_EVERY * cut * (cut + 1) // 2
    intact = (count, whole)
    cut_lost = (count - cut, whole - of_cut)
    got = (tally.received, tally.sum)
    if answers != cut or got not in (intact, cut_lost):
        raise Failure(
            f"{answers} answers; messages and sum {got}, "
            f"neither {intact} nor {cut_lost}"
        )
    return Outcome(answers, tally.received, phase)


async def measured(how: How, count: int, messages: int) -> dict[str, Any]:
    counted = await run(how, count)
    raced = await run(how, messages)
    counts = {
        "received": counted.received,
        "lost": count - counted.received,
    }
    return {
        "result": {
            "counted": count,
            "messages": messages,
            "answers": counted.answers + raced.answers,
        },
        "phases": {
            "counted": counted.phase | {"counts": counts},
            "race": raced.phase,
        },
    }


def loop_factory(name: str) -> Callable[[], AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError as error:
        sys.exit(f"--loop uvloop: {error} (see requirements.txt)")
    return uvloop.new_event_loop


def message_count(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text) <= MOST_MESSAGES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_MESSAGES}"
        )
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default="cancel",
        help="what becomes of the branch that has not won"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--counted",
        type=message_count,
        default=1000,
        metavar="N",
        help="how many messages to count the losses of"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--messages",
        type=message_count,
        default=5000,
        metavar="N",
        help="how many to take the time of, after that"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("asyncio", "uvloop"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )
    options = parser.parse_args()
    factory = loop_factory(options.loop)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            report = runner.run(
                measured(HOW[options.how], options.counted, options.messages)
            )
    except Failure as error:
        sys.exit(str(error))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
