"""Work on threads that can be left behind, so that an end that is asked for does not wait for a connection that hangs."""

import threading
from collections.abc import Callable

_WATCH_SECONDS = 0.2
_LEAVE_SECONDS = 1.0


def in_background(tasks: list[Callable[[], None]], workers: int, is_called_off: threading.Event, watch: Callable[[], None]) -> None:
    """Does tasks on a few threads, calling `watch` meanwhile; raises what `watch` or a task raises, first come.

    After an error, and always at the end, `is_called_off` is set: a thread that is left behind finds it and writes no more.
    """
    waiting, errors, lock = list(reversed(tasks)), list[BaseException](), threading.Lock()

    def work() -> None:
        while not is_called_off.is_set():
            with lock:
                if not waiting:
                    return
                task = waiting.pop()
            try:
                task()
            except BaseException as error:
                errors.append(error)
                is_called_off.set()

    threads = [threading.Thread(target=work, name="model-download", daemon=True) for _ in range(min(workers, len(tasks)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive() and not errors:
                thread.join(_WATCH_SECONDS)
                watch()
    finally:
        is_called_off.set()
        for thread in threads:
            thread.join(_LEAVE_SECONDS / len(threads))
    if errors:
        raise errors[0]
