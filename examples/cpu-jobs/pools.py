"""Jobs that only compute, handed by asyncio to threads or processes.

What a pool needs to be there, with every worker started, is measured apart
from the jobs. The workers of a process pool come from a fork server, which
is the default on Linux from Python 3.14 on.

    python examples/cpu-jobs/pools.py
    python examples/cpu-jobs/pools.py --how processes --workers 4

Memory and the CPU of worker processes are read from /proc and from Linux's
clocks, so this needs Linux.
"""

import asyncio
import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import (
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager

from jobs import Phase, Phases, job, parser, report, whole


# ANCHOR: pool
async def in_pool(pool: Executor, jobs: int, steps: int) -> list[int]:
    loop = asyncio.get_running_loop()
    futures = (
        loop.run_in_executor(pool, job, seed, steps) for seed in range(jobs)
    )
    return await asyncio.gather(*futures)
# ANCHOR_END: pool


# ANCHOR: started
@contextmanager
def started(how: str, workers: int) -> Iterator[Executor]:
    """A pool whose workers are all there already."""
    pool: Executor
    if how == "threads":
        all_here = threading.Barrier(workers)
        pool = ThreadPoolExecutor(workers, initializer=all_here.wait)
    else:
        context = multiprocessing.get_context("forkserver")
        gate = context.Barrier(workers)
        pool = ProcessPoolExecutor(workers, context, initializer=gate.wait)
    with pool:
        # An executor starts a worker only when there is work for it.
        for ready in [pool.submit(job, 0, 0) for _ in range(workers)]:
            ready.result()
        yield pool
# ANCHOR_END: started


def measured(
    how: str, workers: int, jobs: int, steps: int
) -> tuple[list[int], Phases]:
    with asyncio.Runner() as runner:
        runner.get_loop()
        starting = Phase()
        with started(how, workers) as pool:
            start = starting.stop(workers)
            computing = Phase()
            values = runner.run(in_pool(pool, jobs, steps))
            return values, {"start": start, "jobs": computing.stop(jobs)}


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--how",
        choices=("threads", "processes"),
        default="threads",
        help="what the pool consists of (default: %(default)s)",
    )
    options.add_argument(
        "--workers",
        type=lambda text: whole(256, text),
        default=2,
        metavar="N",
        help="how many of them (default: %(default)s)",
    )
    given = options.parse_args()
    jobs, steps = given.jobs, given.steps
    report(
        lambda: measured(given.how, given.workers, jobs, steps), jobs, steps
    )


if __name__ == "__main__":
    main()
