"""The threads of one engine: they wait for a step, and compute it together with the caller.

Called by `engine`. The kernels hold no lock of Python's, so the threads run side by side.
"""

import queue
import threading
from collections.abc import Callable

Part = Callable[[int], None]  # one thread's part of a step, by the thread's number


class Crew:
    """Runs parts of steps on several threads.

    Args:
        size: threads at most, the caller's own included.
    """

    def __init__(self, size: int) -> None:
        self._orders = [queue.SimpleQueue[Part | None]() for _ in range(size - 1)]
        self._threads = [
            threading.Thread(
                target=_work, args=(orders, number), name=f"wide-{number}", daemon=True
            )
            for number, orders in enumerate(self._orders, start=1)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, part: Part, n_threads: int) -> None:
        """Computes a step; the caller is thread 0.

        Returns when the caller's part is done, and with it the step. Another thread may still be
        on its way out of it, or not have begun at all; it finds nothing left to do there.
        """
        for orders in self._orders[: n_threads - 1]:
            orders.put(part)
        part(0)

    def close(self) -> None:
        """Ends the threads."""
        for orders in self._orders:
            orders.put(None)
        for thread in self._threads:
            thread.join()
        self._orders, self._threads = [], []


def _work(orders: "queue.SimpleQueue[Part | None]", number: int) -> None:
    while (part := orders.get()) is not None:
        part(number)
