"""Documents put into a number each, in Python: what a bridge could replace.

Documents, each of so many --fields between commas, are put into one number
each, one document after another, by a function that is called in place
(--how python) or in a thread (thread). There are as many documents as make
--total fields, but at most --documents. bridged.py does it in Rust; the twin
is main.rs, where nothing crosses any border.

    python examples/bridge/main.py
    python examples/bridge/main.py --how thread --fields 1
"""

import asyncio
from collections.abc import Iterator

import work


# ANCHOR: digest
def digest(document: bytes) -> int:
    """Puts a document, numbers between commas, into one number."""
    value = 0
    for field in document.split(b","):
        value = (value * 31 + int(field)) % 65_521
    return value
# ANCHOR_END: digest


# ANCHOR: python
async def in_python(documents: Iterator[bytes]) -> int:
    return sum(digest(document) for document in documents)
# ANCHOR_END: python


async def in_thread(documents: Iterator[bytes]) -> int:
    total = 0
    for document in documents:
        total += await asyncio.to_thread(digest, document)
    return total


if __name__ == "__main__":
    work.run(__doc__, {"python": in_python, "thread": in_thread})
