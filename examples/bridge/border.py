"""What crosses the border between asyncio and Tokio beside values.

Errors, panics, a cancellation, and the interpreter's lock, which Rust lets
go of. Every statement is asserted; `cargo xtask test extension` runs this
with each Python that the extension module is for.

    python examples/bridge/border.py

It needs the module price_bridge; extension/src/lib.rs says how to build it.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import price_bridge


async def answers() -> None:
    document = b"1,2,3"
    expected = (1 * 31 + 2) * 31 + 3
    assert price_bridge.digest(document) == expected
    assert await price_bridge.digest_in_loop(document) == expected
    assert await price_bridge.digest_on_tokio(document) == expected
    assert await price_bridge.digest_all([document] * 2) == [expected] * 2


# ANCHOR: errors
async def errors() -> None:
    for digest in (
        price_bridge.digest_on_tokio,
        price_bridge.digest_in_loop,
    ):
        try:
            await digest(b"1,two,3")
        except ValueError as error:
            assert str(error) == 'not a number: "two"'
        else:
            raise AssertionError("the error did not arrive")
# ANCHOR_END: errors


# ANCHOR: panics
async def panics() -> None:
    try:
        await price_bridge.panic_on_tokio()
    except Exception as error:
        assert type(error).__name__ == "RustPanic"
        assert str(error) == "rust future panicked: unknown error"
    else:
        raise AssertionError("the panic did not arrive")

    try:
        price_bridge.panic_in_call()
    except BaseException as error:
        assert type(error).__name__ == "PanicException"
        assert not isinstance(error, Exception)
    else:
        raise AssertionError("the panic did not arrive")
# ANCHOR_END: panics


# ANCHOR: cancel
async def cancelled() -> None:
    watch = price_bridge.Watch()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await watch.forever()
    # Tokio hears of it on a thread of its own, and has not been waited for.
    async with asyncio.timeout(10):
        while not watch.dropped():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
# ANCHOR_END: cancel


# ANCHOR: lock
def lock_is_released() -> None:
    def from_a_thread(tell: Callable[[], bool]) -> None:
        threading.Timer(0.05, tell).start()

    # Blocks this thread, in Rust, until the other has run in Python.
    assert price_bridge.wait_for_call(from_a_thread)
# ANCHOR_END: lock


# ANCHOR: reverse
async def reverse() -> None:
    loop_thread = threading.get_ident()
    seen: set[int] = set()

    async def double(value: int) -> int:
        seen.add(threading.get_ident())
        await asyncio.sleep(0)
        return value * 2

    assert await price_bridge.drive(double, 10) == 2**10
    assert seen == {loop_thread}

    async def fail(value: int) -> int:
        raise LookupError(value)

    try:
        await price_bridge.drive(fail, 10)
    except LookupError as error:
        assert error.args == (1,)
    else:
        raise AssertionError("the error did not arrive")
# ANCHOR_END: reverse


async def main() -> None:
    await answers()
    await errors()
    await panics()
    await cancelled()
    lock_is_released()
    await reverse()


if __name__ == "__main__":
    asyncio.run(main())
    # A thread of Tokio's that still wants the lock when the interpreter ends
    # takes the process with it, before Python 3.14.
    time.sleep(0.5)
