"""Documents put into a number each by Rust that asyncio calls or awaits.

The function in Rust is called like any other (--how call), awaited as a
coroutine that asyncio polls (coroutine) or as a task of Tokio (tokio), each
for one document after another; or a task of Tokio is awaited for many
documents at once (batch). main.py and main.rs do the same in one language.

    python examples/bridge/bridged.py
    python examples/bridge/bridged.py --how tokio --fields 1

It needs the module price_bridge; extension/src/lib.rs says how to build it.
"""

from collections.abc import Iterator
from itertools import islice

import price_bridge
import work

# Documents that cross the border at once.
BATCH = 500


# ANCHOR: rust
async def by_call(documents: Iterator[bytes]) -> int:
    return sum(price_bridge.digest(document) for document in documents)


async def by_coroutine(documents: Iterator[bytes]) -> int:
    total = 0
    for document in documents:
        total += await price_bridge.digest_in_loop(document)
    return total


async def by_tokio(documents: Iterator[bytes]) -> int:
    total = 0
    for document in documents:
        total += await price_bridge.digest_on_tokio(document)
    return total


async def by_batch(documents: Iterator[bytes]) -> int:
    total = 0
    for batch in chunks(documents, BATCH):
        total += sum(await price_bridge.digest_all(batch))
    return total
# ANCHOR_END: rust


def chunks(documents: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while chunk := list(islice(documents, size)):
        yield chunk


if __name__ == "__main__":
    work.run(
        __doc__,
        {
            "call": by_call,
            "coroutine": by_coroutine,
            "tokio": by_tokio,
            "batch": by_batch,
        },
    )
