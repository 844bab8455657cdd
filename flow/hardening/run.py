"""Hardens a block: prepares what place and route reads, runs it, and keeps what it leaves."""

__all__ = ["collect", "harden", "logic_alone", "prepare", "replace_artifact", "reports"]

import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from base_chip.harden.artifact import FILES, Bindings, HardenedTile
from base_chip.harden.block import Block
from base_chip.harden.cells import cell_lef
from base_chip.harden.floorplan import check_macros
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import PlaceRoute, load_place_route
from base_chip.synth import yosys_version
from flow.children import run_nodes
from flow.files import atomic_dir
from flow.hardening.failure import failure
from flow.hardening.graph import FIRST, LAST, ROUTED, Sources, make_project
from flow.hardening.openroad import need_openroad
from flow.hardening.synthesis import need_liberty, plain_liberty
from flow.pdk.files import PdkFiles
from flow.pdk.providers import find_pdk
from rtl_gen.errors import ExitCode, FlowError


def harden(
    block: Block,
    rtl: str,
    work: Path,
    out: Path,
    *,
    jobs: int,
    say: Callable[[str], None],
    to_synthesis: bool = False,
) -> HardenedTile:
    """Place and route a block and write its artifact.

    Args:
        block: What it is.
        rtl: Verilog that holds its module.
        work: Folder of the run; finished steps in it are not run again.
        out: Folder of the artifact; an earlier one stays until the run has ended well.
        jobs: Threads.
        say: Shows a line.
        to_synthesis: Stop when the logic is mapped to cells, which takes no OpenROAD.

    Raises:
        FlowError: OpenROAD is missing or too old, liberty or extraction rules are missing (MISSING_TOOL); the
            floorplan cannot work; a node failed (TOOL_FAILED), which is named with its log; the disk is full
            or `out` holds other files (OUTPUT).
        KeyboardInterrupt: The run was interrupted.
    """
    tools = {"yosys": yosys_version()} | ({} if to_synthesis else {"openroad": need_openroad()})
    pdk = load_pdk(block.pdk)
    files, facts = find_pdk(pdk), load_place_route(pdk)
    check_macros(block)
    _check_out(out)
    sources = prepare(block, rtl, files, facts, work / "sources")
    project = make_project(block, facts, files, sources, work, jobs=jobs)
    if to_synthesis:
        project.option.add_to(FIRST)
    say(f"{', '.join(f'{tool} {version}' for tool, version in sorted(tools.items()))}; working in {work}")
    top = block.top
    job = work / top / "harden"
    ended = _run(project, work, job)
    ends = {node: job / node / "0" / "outputs" for node in (FIRST, ROUTED, LAST)}
    products = {"mapped.v": (ends[FIRST] / f"{top}.vg").read_bytes()}
    if not to_synthesis:
        products |= collect(ends[ROUTED], ends[LAST], top, facts)
        products["reports.json"] = reports(ended, block.name)
    made_from = Bindings.now(block, rtl, sources.cells.read_text("utf-8"))
    digests = {name: files.digests[name] for name in ("liberty", "extraction")}
    return replace_artifact(out, products, made_from, tools, digests)


def replace_artifact(
    out: Path,
    products: Mapping[str, bytes],
    made_from: Bindings,
    tools: Mapping[str, str],
    pdk: Mapping[str, str],
) -> HardenedTile:
    """Write an artifact whole, and leave an earlier one until then; arguments as of `HardenedTile.write`."""
    with atomic_dir(out) as new:
        made = HardenedTile.write(new, products, made_from, tools, pdk)
    return replace(made, folder=out)


def _run(project: Any, work: Path, job: Path) -> Any:
    """The project as the run left it: `project` itself forgets what was measured. FlowError names a node."""
    try:
        return run_nodes(project, work)
    except RuntimeError as e:
        raise failure(project, job, str(e)) from e
    except KeyError:
        if project.getkeys("history"):
            raise
        raise KeyboardInterrupt from None  # it keeps one to itself that comes before the first node


def _check_out(out: Path) -> None:
    """The folder is replaced as a whole, so it must hold nothing but an artifact."""
    known = {"manifest.json", *(f"{name}.xz" for name in FILES)}
    if out.is_dir() and (others := sorted(p.name for p in out.iterdir() if p.name not in known)):
        raise FlowError(
            f"the folder for the artifact holds other files, such as {others[0]}",
            where=str(out),
            hint="Choose a new folder with --out.",
            code=ExitCode.OUTPUT,
        )


def prepare(block: Block, rtl: str, files: PdkFiles, facts: PlaceRoute, folder: Path) -> Sources:
    """Write the files that place and route reads; those that have not changed keep their time.

    Args:
        block, rtl: As of `harden`.
        files, facts: The PDK.
        folder: Where to; made if missing.

    Raises:
        FlowError: There is no liberty for synthesis (MISSING_TOOL).
    """
    liberty = need_liberty(files)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = plain_liberty(liberty, Path(scratch))
        _keep(folder / plain.name, plain.read_bytes())
    for macro in block.memories:
        _keep(folder / f"{macro.name}.lef", macro.lef)
        for corner, text in macro.liberty.items():
            _keep(folder / f"{macro.name}__{corner}.lib", text)
    sources = Sources(
        rtl=folder / "rtl.v",
        liberty=folder / liberty.name.removesuffix(".gz"),
        views=folder,
        cells=folder / "cells.lef",
        sdc=folder / "constraints.sdc",
        variables=folder / "block.tcl",
        diodes=folder / "diodes.tcl",
        closed=folder / "closed.tcl",
    )
    _keep(sources.rtl, rtl)
    _keep(sources.cells, cell_lef(files.path("cells"), facts.library))
    _keep(sources.sdc, block.sdc)
    x, y = block.halo
    homes = _areas(block.homes.items())
    _keep(sources.closed, _tcl({"closed": _areas((layer, box) for layer, *box in block.closed)}))
    lists = {"halo": f"{x:g} {y:g}", "straps": block.straps, "homes": homes}
    lists["least_row"] = f"{block.least_row:g}"
    _keep(sources.variables, _tcl(lists))
    macros = [folder / f"{macro.name}.lef" for macro in block.memories]
    lefs = " ".join(f"{{{lef}}}" for lef in (files.path("tech_lef"), sources.cells, *macros))
    (cell,) = facts.cells["antenna"]
    told = {"python": sys.executable, "antenna_cell": cell, "lefs": lefs}
    _keep(sources.diodes, _tcl(told))
    return sources


def _areas(named: Iterable[tuple[str, Sequence[float]]]) -> str:
    return " ".join(f"{{{name} {' '.join(f'{v:g}' for v in box)}}}" for name, box in named)


def _tcl(variables: Mapping[str, str]) -> str:
    return "".join(f"set scf_{name} {{{text}}}\n" for name, text in variables.items())


def _keep(path: Path, content: str | bytes) -> None:
    """Write what has changed: SiliconCompiler runs a node again when a file it reads is newer."""
    content = content.encode() if isinstance(content, str) else content
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def collect(routed: Path, outputs: Path, top: str, facts: PlaceRoute) -> dict[str, bytes]:
    """What the artifact takes from the folders of the router and of the last step, without dates and paths.

    The last step's own DEF is not taken: extraction puts wires in order, and loses the patches with which the
    router brings shapes to their least area.
    """
    products = {
        "layout.def": gzip.decompress((routed / f"{top}.def.gz").read_bytes()),
        "netlist.v": logic_alone((outputs / f"{top}.vg").read_text("utf-8"), facts).encode(),
        "lvs.v": (outputs / f"{top}.lvs.vg").read_bytes(),
        "constraints.sdc": _dateless(outputs / f"{top}.sdc", rb"^#.*\n", b""),
    }
    for corner in facts.corners:
        products[f"delays.{corner}.sdf"] = _dateless(
            outputs / f"{top}.{corner}.sdf", rb'^ \(DATE ".*"\)$', b' (DATE "")'
        )
        products[f"timing.{corner}.lib"] = _dateless(
            outputs / f"{top}.{corner}.lib", rb"^ *(?:/\*.*\*/|date .*;)\n", b""
        )
    return products


def reports(ended: Any, block: str) -> bytes:
    """What SiliconCompiler's steps measured, as JSON: step to metric to value."""
    told: dict[str, dict[str, float]] = {}
    for step in ended.getkeys("flowgraph", "hardening"):
        values = {
            key: ended.get("metric", key, step=step, index="0")
            for key in ended.getkeys("metric")
            if "time" not in key and key != "memory"
        }
        if values := {k: v for k, v in values.items() if v is not None}:
            told[step] = values
    return (json.dumps({"base": block, "steps": told}, indent=1, sort_keys=True) + "\n").encode()


def logic_alone(netlist: str, facts: PlaceRoute) -> str:
    """A routed netlist without fill and tap cells (2 of 5 instances) and supplies, which models lack."""
    names = "|".join(re.escape(c) for use in ("filler", "tap") for c in facts.cells[use])
    netlist = re.sub(rf"^ *(?:{names}) [^;]*;\n", "", netlist, flags=re.M)
    supply = f"(?:{'|'.join(facts.supplies)})"
    pin, port = rf"\.{supply} *\( *{supply}? *\)", rf"\b{supply}\b"
    netlist = re.sub(rf"^ *(?:inout|input|supply[01]|wire) +{port};\n", "", netlist, flags=re.M)
    for one in (pin, port):
        netlist = re.sub(rf",\s*{one}(?=\s*[,)])|(?<=\()(?:{one}\s*,\s*)+", "", netlist)
    return re.sub(rf"\({pin}\)", "()", netlist)


def _dateless(path: Path, pattern: bytes, instead: bytes) -> bytes:
    return re.sub(pattern, instead, path.read_bytes(), flags=re.M)
