"""What the Python services share: the command line, the listening socket,
and the default run, in which a service is started and asked once.

Not a program of its own: run one of those beside it, such as main.py.
"""

import argparse
import ipaddress
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

BACKLOG = 1024
# How long the default run waits for the service to start, answer and end.
TIMEOUT = 20.0

# What every service answers, byte for byte.
BODY = b'{"id":7,"name":"Ada","languages":["Python","Rust"],"active":true}'

Address = tuple[str, int]
# Takes the address and what else was on the command line; serves until
# SIGTERM or SIGINT.
Serve = Callable[[Address, argparse.Namespace], None]


def compact(value: object) -> str:
    """JSON without a blank, as those frameworks write it that can choose."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parser(description: str | None) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--listen",
        type=address,
        metavar="IP:PORT",
        help="serve here until SIGTERM or SIGINT; port 0 takes a free one"
        " (default: start the service, ask it once, stop it)",
    )
    return options


def main(serve: Serve, options: argparse.ArgumentParser) -> None:
    chosen = options.parse_args()
    if chosen.listen:
        serve(chosen.listen, chosen)
        return
    try:
        print(json.dumps(ask_once()))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        sys.exit(f"{type(error).__name__}: {error}")


def address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    try:
        if not colon:
            raise ValueError("the port is missing")
        host = str(ipaddress.IPv4Address(host))
        if not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise ValueError(f"{port!r} is not a port")
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected IP:PORT, such as 127.0.0.1:7007: {error}"
        ) from None
    return host, int(port)


def bind(where: Address) -> socket.socket:
    # The protocol is named because asyncio sets TCP_NODELAY only on
    # sockets that carry it; uvloop does in any case.
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        sys.exit(f"cannot listen on {where[0]}:{where[1]}: {error.strerror}")
    return listener


def announce(listener: socket.socket) -> None:
    """Tells who started the service where it listens: it is ready."""
    host, port = listener.getsockname()[:2]
    print(json.dumps({"listening": f"{host}:{port}"}), flush=True)


def ask_once() -> dict[str, Any]:
    """Starts this program as a service, asks it, stops it; the report."""
    command = [sys.executable, *map(str, sys.argv)]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE
    ) as service:
        try:
            assert service.stdout is not None
            line = service.stdout.readline()
            if not line:
                raise ValueError("the service ended before it listened")
            url = f"http://{json.loads(line)['listening']}/json"
            no_proxy = urllib.request.ProxyHandler({})
            opener = urllib.request.build_opener(no_proxy)
            wall, cpu = time.perf_counter(), time.process_time()
            with opener.open(url, timeout=TIMEOUT) as response:
                body = response.read()
            seconds = time.perf_counter() - wall
            cpu_seconds = time.process_time() - cpu
            service.send_signal(signal.SIGTERM)
            status = service.wait(TIMEOUT)
        finally:
            service.kill()
    if body != BODY:
        raise ValueError(f"wrong answer: expected {BODY!r}, got {body!r}")
    if status:
        raise ValueError(f"the service ended with status {status}")
    phase = {"seconds": seconds, "cpu_seconds": cpu_seconds, "work": 1}
    return {"result": json.loads(body), "phases": {"ask": phase}}
