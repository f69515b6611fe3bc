"""The server of ../tcp-echo/protocol.py, after one line for the allocator.

asyncio asks for 256 KiB at each read. glibc serves so large a block by a
system call of its own, until the program has given back a larger one. The
options are those of protocol.py; without `--listen` its demo runs.

    python examples/echo-systems/raised.py
    python examples/echo-systems/raised.py --listen 127.0.0.1:7007
"""

import runpy
import sys
from pathlib import Path

# ANCHOR: raise
# glibc raises its threshold to the size of such a block when it is freed.
# Elsewhere this line does nothing.
bytes(1024 * 1024)
# ANCHOR_END: raise

echo = Path(__file__).resolve().parent.parent / "tcp-echo"
sys.path.insert(0, str(echo))
runpy.run_path(str(echo / "protocol.py"), run_name="__main__")
