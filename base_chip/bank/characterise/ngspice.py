"""Runs ngspice and reads what it measured."""

__all__ = ["curves", "measure"]

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tools import find, run

_VALUE = re.compile(r"^(\w+)\s+=\s+([-+]?\d\S*)", re.M)
_WANTED = re.compile(r"^\.measure tran (\w+)", re.M)
_CURVES = "curves.data"
_TIMEOUT_S = 600
_LONGER = 4  # times that a run without an end is repeated, twice as long


def measure(
    deck: Callable[[float], str], stop_ns: float, optional: frozenset[str] = frozenset()
) -> dict[str, float]:
    """Simulate a deck until all of its measures have a value.

    Args:
        deck: Makes the deck that ends at a time in ns.
        stop_ns: First end to try; it is doubled while a measure has no value yet.
        optional: Measures that may have none.

    Returns:
        Values in SI units by the name of the measure.

    Raises:
        FlowError: If ngspice is missing or fails, or a measure never gets a value.
    """
    exe = find("ngspice")
    for _ in range(_LONGER):
        text = deck(stop_ns)
        found = _measured(exe, text)
        missing = set(_WANTED.findall(text)) - set(found) - optional
        if not missing:
            return found
        stop_ns *= 2
    raise FlowError(
        f"no value of {', '.join(sorted(missing))} within {stop_ns / 2:g} ns",
        where=text.splitlines()[0].lstrip("* "),
        hint="The bit line does not reach its level: check the spec and the transistor models.",
        code=ExitCode.TOOL_FAILED,
    )


def curves(text: str, nodes: Sequence[str]) -> np.ndarray:
    """Simulate a deck with one analysis.

    Args:
        text: The deck, without its `.end`.
        nodes: Whose voltages are wanted.

    Returns:
        Float [nodes, points], V.

    Raises:
        FlowError: If ngspice is missing or fails.
    """
    exe, names = find("ngspice"), " ".join(f"v({node})" for node in nodes)
    control = f".control\nrun\nset wr_singlescale\nwrdata {_CURVES} {names}\n.endc\n.end\n"
    with tempfile.TemporaryDirectory() as folder:
        _run(exe, f"{text}\n{control}", Path(folder))
        table: np.ndarray = np.loadtxt(Path(folder) / _CURVES, ndmin=2)
    return table[:, 1:].T


def _measured(exe: str, text: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return {name: float(value) for name, value in _VALUE.findall(_run(exe, text, Path(folder)))}


def _run(exe: str, text: str, folder: Path) -> str:
    path = folder / "deck.sp"
    path.write_text(text)
    done = run([exe, "-b", path.name], folder, _TIMEOUT_S, apart=True)
    if done.late:
        raise FlowError(
            f"ngspice did not end within {_TIMEOUT_S} s",
            where=text.splitlines()[0].lstrip("* "),
            hint="Run it again when the machine has less to do, or characterise a smaller bank.",
            code=ExitCode.TOOL_FAILED,
        )
    # It ends with status 1 when a measure found nothing, and with 0 after some errors.
    fatal = re.search(
        r"^.*(?:fatal error|Undefined parameter|unknown subckt|singular matrix).*", done.errors, re.M
    )
    if fatal or "No. of Data Rows" not in done.log:
        last = fatal.group() if fatal else (done.errors.strip().splitlines() or ["it gave no reason"])[-1]
        if done.status < 0:
            last = f"it {ending(done.status)}"
        raise FlowError(
            f"ngspice failed: {last.strip()}",
            where=text.splitlines()[0].lstrip("* "),
            hint="Are the transistor models those of the kit? `sc-flow pdk verify sky130` tells.",
            code=ExitCode.TOOL_FAILED,
        )
    return done.log
