"""Shows a run: a line a step while it goes on, live on a terminal, plain elsewhere; a table at its end."""

__all__ = ["COLOUR", "Progress", "final_table", "result_console"]

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from flow.events import Event, EventReader
from flow.outcome import Outcome
from rtl_gen.errors import printable

COLOUR = {
    "done": "green",
    "reused": "cyan",
    "pass": "green",
    "failed": "bold red",
    "fail": "bold red",
    "running": "bold",
    "not run": "yellow",
    "waived": "yellow",
}
_SAID_SHOWN = 6
_WIDE = 110  # characters: as many leave room for remarks beside the checks


class Progress:
    """Follows the events of a run until the `with` block ends."""

    def __init__(self, steps: Sequence[str], events: Path) -> None:
        # A stream of its own: the steps' processes are forked from this one and flush sys.stdout when they
        # end, so a lock of sys.stdout that was held during the fork would hang them.
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
        self._console = Console(file=self._stream, highlight=False)
        self._reader = EventReader(events)
        self._state: dict[str, tuple[str, float, str]] = dict.fromkeys(steps, ("waiting", 0.0, ""))
        self._said: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._live: Live | None = None

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live = Live(
                console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._live:
            self._live.stop()
        self._stream.close()

    def _follow(self) -> None:
        while True:
            last = self._stop.is_set()
            for event in self._reader:
                self._take(event)
            if self._live:
                self._live.update(self._picture(), refresh=True)
            if last:
                return
            self._stop.wait(0.2)

    def _take(self, event: Event) -> None:
        name, text = event.step, printable(event.text)
        if event.kind in ("say", "warn"):
            mark = "warning: " if event.kind == "warn" else ""
            self._said.append(f"{name}: {mark}{text}")
            if not self._live:
                self._console.print(Text(f"  {self._said[-1]}"), soft_wrap=True)
            return
        if event.kind == "start":
            self._state[name] = ("running", event.at, "")
            return
        seconds = event.at - self._state[name][1]
        self._state[name] = (event.kind, seconds, text)
        if not self._live:
            line = f"{name:12} {event.kind:8} {seconds:7.1f} s  {text}"
            self._console.print(Text(line.rstrip()), soft_wrap=True)

    def _picture(self) -> Group:
        table = Table(box=None, show_header=False, padding=(0, 1))
        for name, (kind, seconds, note) in self._state.items():
            took = time.monotonic() - seconds if kind == "running" else seconds
            shown = "" if kind == "waiting" else f"{took:.1f} s"
            table.add_row(name, Text(kind, COLOUR.get(kind, "dim")), shown, Text(note, overflow="ellipsis"))
        return Group(table, *(Text(s, "dim") for s in self._said[-_SAID_SHOWN:]))


def result_console() -> Console:
    """Where the final table goes: as wide as the terminal, or wide enough where there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def final_table(outcome: Outcome, console: Console) -> None:
    """Print steps, checks, metrics and the generated text."""
    steps = Table("step", "result", "seconds", "", title="Steps", title_justify="left")
    for s in outcome.steps:
        word = "reused" if s.reused and s.status == "done" else s.status
        steps.add_row(
            s.name, _coloured(word), f"{s.seconds:.1f}" if s.seconds else "", escape(printable(s.note))
        )
    if outcome.steps:
        console.print(steps)
    if outcome.checks:
        # Names stay whole on a narrow terminal, and what is well is said in a word.
        heads = (Column("check", no_wrap=True), Column("tool", no_wrap=True), "count", "limit", "result", "")
        checks = Table(*heads, title="Checks", title_justify="left")
        for c in outcome.checks:
            count, limit = ("" if v is None else str(v) for v in (c.count, c.limit))
            count += f" + {c.waived} waived" if c.waived else ""
            used = f"{c.tool} {c.version}".strip()
            good = _short(c.detail) if console.width >= _WIDE else ""
            about = c.reason or (c.detail if c.status == "fail" else good)
            checks.add_row(c.name, used, count, limit, _coloured(c.status), escape(printable(about)))
        console.print(checks)
    for name, value in sorted(outcome.metrics.items()):
        console.print(f"{name} = {value:.6g}")
    for text in outcome.text:
        console.print(Text.assemble("generated: ", (printable(text, keep="\n\t"), "bold green")))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _coloured(status: str) -> str:
    return f"[{COLOUR.get(status, 'yellow')}]{status}"
