"""Renders `report.html` from the outcome of a build and the files that its steps left."""

__all__ = ["REPORT", "render_report"]

import base64
import json
import platform
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from base_chip.dies import load_die
from flow.config import model_name
from flow.outcome import Outcome
from flow.report.corners import corner_timing
from flow.report.figures import CATEGORIES
from flow.request import BuildConfig
from metal_configs.models import KNOWN

REPORT = "report.html"
_OPTIONS = {"chained": "--chain"}  # that are called otherwise than what they set
# What the summary shows: metric, what it is called, unit, digits after the point.
SUMMARY = (
    ("dies", "dies", "", 0),
    ("die_mm2", "a die", "mm²", 3),
    ("tiles", "tiles on it", "", 0),
    ("cells", "standard cells in them", "", 0),
    ("rom_bits", "ROM", "bits", 0),
    ("program_vias", "vias of the model", "", 0),
    ("weights", "weights", "", 0),
    ("weight_rom_bits_average", "ROM per weight", "bits", 2),
    ("quant_nll_ratio", "loss, integers over float", "×", 4),
    ("cycles_per_token", "cycles per token", "", 0),
    ("power_typical_mw", "power, typical corner", "mW", 1),
    ("energy_per_token_typical_nj", "energy per token, typical corner", "nJ", 0),
    ("tokens_per_s_typical", "tokens per second, typical corner", "", 0),
)


def render_report(build: Path, config: BuildConfig, outcome: Outcome) -> str:
    """The page as self-contained HTML without script.

    Args:
        build: Folder of the build; of what lies there the page shows what this build has made or found again.
        config: What was built.
        outcome: What `result.json` holds.
    """
    # An earlier build may have left the others, perhaps in another form.
    folders = {s.name: build / s.name for s in outcome.steps if s.status == "done"}
    drawn, quantised, power = (folders.get(n, build / ".none") for n in ("figures", "quantise", "ir_drop"))
    figures = _json(drawn / "figures.json") or {}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        config=config,
        outcome=outcome,
        said_by="the gate-level simulation" if "gatesim" in folders else "the simulation of the tiles' RTL",
        verdict=_verdict(outcome),
        summary=_summary(outcome.metrics, figures),
        corners=_corners(config, outcome.metrics),
        pictures=[(p, _png(drawn / f"{p['name']}.png")) for p in figures.get("pictures", [])],
        lacking=figures.get("lacking", []),
        rom_map=_png(drawn / "rom.png"),
        rom=figures.get("rom", {}),
        colours=CATEGORIES,
        quality=_json(quantised / "loss.json"),
        codes=figures.get("codes", {}),
        areas=figures.get("areas", []),
        tiles=figures.get("tiles", []),
        die_um2=figures.get("die_um2"),
        power=_json(power / "power.json") or {},
        energy=_json(folders.get("energy", build / ".none") / "energy.json") or {},
        drops=_png(power / "ir_drop.png"),
        versions=_versions(outcome),
        command=_command(config),
        seconds=sum(s.seconds for s in outcome.steps),
        cpu=sum(s.cpu for s in outcome.steps),
        reused=any(s.reused for s in outcome.steps),
    )


def _verdict(outcome: Outcome) -> tuple[str, str]:
    """A class (good, bad, open) and a sentence."""
    count = {s: sum(c.status == s for c in outcome.checks) for s in ("pass", "fail", "waived", "not run")}
    if outcome.errors:
        return "bad", f"The build did not end: {outcome.errors[0][0].what}"
    total = len(outcome.checks)
    if count["fail"]:
        return "bad", f"{count['fail']} of {total} checks found a fault"
    waived = f", {count['waived']} waived" if count["waived"] else ""
    lacking = count["not run"] or sum(s.status == "not run" for s in outcome.steps)
    if lacking or not total:
        return "open", f"{count['pass']} of {total} checks pass{waived}; not everything was run"
    return "good", f"{count['pass']} of {total} checks pass{waived}"


def _corners(config: BuildConfig, metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """Static timing by corner, and the token rate that it allows, as text."""
    if not config.base:  # nothing but a quantised model
        return []
    cycles = metrics.get("cycles_per_token")
    return [
        asdict(c) | {
            "mhz": f"{c.mhz:.1f}" if c.mhz else "",
            "rate": f"{1e6 * c.mhz / cycles:,.0f}" if c.mhz and cycles else "",
        }
        for c in corner_timing(load_die(config.base), metrics)
    ]  # fmt: skip


def _summary(metrics: Mapping[str, float], figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What stands above all else: label, value and unit."""
    tiles = figures.get("tiles", [])
    drawn = {"tiles": sum(t["number"] for t in tiles), "cells": sum(t["number"] * t["cells"] for t in tiles)}
    drawn["die_mm2"] = figures.get("die_um2", 0) / 1e6
    told = {name: value for name, value in drawn.items() if value} | dict(metrics)
    if told.get("dies") == 1:
        del told["dies"]
    return [(label, f"{told[k]:,.{digits}f}", unit) for k, label, unit, digits in SUMMARY if k in told]


def _versions(outcome: Outcome) -> list[tuple[str, str]]:
    tools = {c.tool: c.version for c in outcome.checks if c.tool and c.version}
    tools |= {"Python": platform.python_version(), "sc-flow": version("sc-flow")}
    tools["siliconcompiler"] = version("siliconcompiler")
    return sorted(tools.items(), key=lambda t: t[0].lower())


def _command(config: BuildConfig) -> str:
    """A command line that builds this again, with the options that differ from their defaults."""
    known = {model_name(name, Path(name)): name for name in KNOWN}
    words = ["sc-flow", "build", "--model", known.get(config.model, config.model), "--pdk", config.pdk]
    words += ["--base", config.base] if config.base else []
    default = BuildConfig("", "", "")
    for name in ("prompt", "seed", "temperature", "words", "chained", "context", "loss_limit"):
        if (value := getattr(config, name)) != getattr(default, name):
            words += [_OPTIONS.get(name, f"--{name.replace('_', '-')}"), str(value)]
    if config.adapter_path:
        words += ["--adapter", "FOLDER"]
    if config.quantised_path:
        words += ["--quantised", "FILE"]
    if config.waivers:
        words += ["--waivers", "FILE"]
    return shlex.join(words)


def _png(path: Path) -> str:
    """A data URI, or nothing when there is no such file."""
    try:
        return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError:
        return ""


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
