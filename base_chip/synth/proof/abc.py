"""ABC, which comes with Yosys, compares two graphs."""

__all__ = ["equal"]

import importlib.util
import re
from pathlib import Path

from base_chip.synth.yosys import yosys_version
from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tools import run

TIMEOUT_S = 900


def equal(left: Path, right: Path, folder: Path) -> bool:
    """Whether ABC proves that two AIGER files have the same outputs; leaves abc.log.

    Returns:
        False where it finds a difference, or neither that nor a proof within its limits.

    Raises:
        FlowError: ABC is missing, failed or ran out of time.
    """
    yosys_version()
    spec = importlib.util.find_spec("pyosys")
    (home,) = (spec and spec.submodule_search_locations) or [""]
    command = f"&read {left.name}; &cec {right.name}"
    done = run([str(Path(home) / "yosys-abc"), "-c", command], folder, TIMEOUT_S)
    log = folder / "abc.log"
    log.write_text(done.log)
    verdicts = re.findall(r"Networks are (.+?)\.", done.log)
    if done.late or done.status or not verdicts:
        why = f"did not end within {TIMEOUT_S} s" if done.late else f"failed: {ending(done.status)}"
        raise FlowError(f"ABC {why}", where=str(log), code=ExitCode.TOOL_FAILED)
    return bool(verdicts[-1] == "equivalent")
