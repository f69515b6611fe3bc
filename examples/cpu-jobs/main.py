"""Jobs that only compute, as coroutines under asyncio.gather.

Every job is the same chain of whole-number steps, whose end is checked
against a closed form. sequential.py runs the jobs one after another, pools.py
in threads or processes; the twin of all three is main.rs.

    python examples/cpu-jobs/main.py
    python examples/cpu-jobs/main.py --jobs 16 --steps 500000

Memory is read from /proc, so this needs Linux.
"""

import asyncio

from jobs import Phase, Phases, job, parser, report


# ANCHOR: tasks
async def job_in_task(seed: int, steps: int) -> int:
    return job(seed, steps)


async def in_tasks(jobs: int, steps: int) -> list[int]:
    coroutines = (job_in_task(seed, steps) for seed in range(jobs))
    return await asyncio.gather(*coroutines)
# ANCHOR_END: tasks


def measured(jobs: int, steps: int) -> tuple[list[int], Phases]:
    starting = Phase()
    with asyncio.Runner() as runner:
        runner.get_loop()
        start = starting.stop(1)
        computing = Phase()
        values = runner.run(in_tasks(jobs, steps))
        return values, {"start": start, "jobs": computing.stop(jobs)}


def main() -> None:
    options = parser(__doc__).parse_args()
    jobs, steps = options.jobs, options.steps
    report(lambda: measured(jobs, steps), jobs, steps)


if __name__ == "__main__":
    main()
