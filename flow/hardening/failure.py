"""What to tell when a node of place and route fails: which, its first error, its log, and how to go on."""

__all__ = ["failure", "first_error"]

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from siliconcompiler import NodeStatus

from flow.files import disk_is_full
from flow.hardening.synthesis import FAULT
from rtl_gen.errors import ExitCode, FlowError

RESUME = (
    "Run the same command again to go on from there. Nodes that have ended are kept, an earlier artifact too."
)
# What SiliconCompiler says of any node that fails, beside the tool's last lines
_EMPTY = re.compile(
    r"Command failed with code|To generate a testcase|Halting |.* failed during |.* reported \d+ errors"
)


def failure(project: Any, job: Path, told: str) -> FlowError:
    """The error of a run that has not reached its end.

    Args:
        project: The project that has run.
        job: SiliconCompiler's folder of the job.
        told: What SiliconCompiler said of it.
    """
    node = _failed(project)
    if node is None:
        log = job / "job.log"
        return _error(f"hardening did not start: {_noted(_text(log)) or told}", log, _text(log) + told)
    folder = job / node / "0"
    if (fault := folder / FAULT).exists():
        what, where, hint, code = json.loads(fault.read_text("utf-8"))
        return FlowError(what, where=where, hint=hint, code=ExitCode(code))
    tool, own = folder / f"{node}.log", folder / f"sc_{node}_0.log"
    texts = _text(tool), _text(own)
    what = f"node {node} failed: {first_error(*texts)}"
    return _error(what, tool if texts[0].strip() else own, "\n".join((*texts, told)))


def first_error(tool: str, own: str) -> str:
    """What went wrong first in a node.

    Args:
        tool: Log of the tool.
        own: What SiliconCompiler noted of the node.
    """
    lines = [line.strip() for line in tool.splitlines() if line.strip()]
    if errors := [line for line in lines if line.startswith(("[ERROR", "Error:"))]:
        return errors[0]
    if ended := re.search(r"Command failed with code -(\d+)", own):
        return f"the tool was ended by signal {ended[1]} (killed, or out of memory)"
    if noted := _noted(own, besides=lines):
        return noted
    if lines and (code := re.search(r"Command failed with code (\d+)", own)):
        return f"exit status {code[1]}, last it said: {lines[-1]}"
    return "its process ended without a word (killed, or out of memory)"


def _error(what: str, log: Path, text: str) -> FlowError:
    if disk_is_full(text, log.parent):
        hint = f"Free some space first. {RESUME}"
        return FlowError(f"the disk is full: {what}", where=str(log), hint=hint, code=ExitCode.OUTPUT)
    return FlowError(what, where=str(log), hint=RESUME, code=ExitCode.TOOL_FAILED)


def _failed(project: Any) -> str | None:
    """The first node, in the order of the graph, that SiliconCompiler calls failed."""
    for level in project.get_flow().get_execution_order():
        for step, index in level:
            if NodeStatus.is_error(project.get("record", "status", step=step, index=index)):
                return str(step)
    return None


def _noted(log: str, besides: Sequence[str] = ()) -> str:
    """The first thing that SiliconCompiler noted as an error and that tells something."""
    errors = [line.rpartition(" | ")[2].strip() for line in log.splitlines() if "| ERROR " in line]
    return next((e for e in errors if e and e not in besides and not _EMPTY.match(e)), "")


def _text(log: Path) -> str:
    try:
        return log.read_text("utf-8", "replace")
    except OSError:
        return ""
