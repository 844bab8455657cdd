"""What a piece of work takes."""

__all__ = ["Stopwatch"]

import resource
import time


class Stopwatch:
    """Seconds of the wall clock and of the processor, that of ended child processes included."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), _processor()

    def read(self) -> dict[str, float]:
        """Both, as `seconds` and `cpu`."""
        return {"seconds": time.monotonic() - self._wall, "cpu": _processor() - self._cpu}


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
