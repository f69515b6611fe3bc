"""Jobs that only compute, one after another, without asyncio.

What the other programs of this folder are compared with.

    python examples/cpu-jobs/sequential.py
    python examples/cpu-jobs/sequential.py --jobs 16 --steps 500000

Memory is read from /proc, so this needs Linux.
"""

from jobs import Phase, Phases, job, parser, report


# ANCHOR: sequential
def one_by_one(jobs: int, steps: int) -> list[int]:
    return [job(seed, steps) for seed in range(jobs)]
# ANCHOR_END: sequential


def measured(jobs: int, steps: int) -> tuple[list[int], Phases]:
    starting = Phase()
    # There is nothing to start: this is what a look at the clock costs.
    start = starting.stop(1)
    computing = Phase()
    values = one_by_one(jobs, steps)
    return values, {"start": start, "jobs": computing.stop(jobs)}


def main() -> None:
    options = parser(__doc__).parse_args()
    jobs, steps = options.jobs, options.steps
    report(lambda: measured(jobs, steps), jobs, steps)


if __name__ == "__main__":
    main()
