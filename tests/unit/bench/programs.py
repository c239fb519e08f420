"""A program that children of the benchmark's tests run; the request's variant says what it does."""

import os
import sys
import time

from bot.bench.child import Request, serve


def _measure(request: Request) -> dict[str, object]:
    match request["variant"]:
        case "fail":
            raise ValueError("no such thing\nhere")
        case "die":
            print("first\nsome library gave up", file=sys.stderr, flush=True)
            os.abort()
        case "hang":
            time.sleep(60)
    print("what a library prints is no answer")
    return {"doubled": 2 * request["number"]}


if __name__ == "__main__":
    serve(_measure)
