"""Renders `report.html` from the outcome of a build and the files that its steps left."""

__all__ = ["REPORT", "render_report"]

import base64
import json
import platform
import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from base_chip.config import load_base
from flow.outcome import Outcome
from flow.report.figures import CATEGORIES
from flow.request import BuildConfig
from rtl_gen.errors import FlowError

REPORT = "report.html"
# What the summary shows: metric, what it is called, unit, digits after the point.
SUMMARY = (
    ("die_mm2", "die", "mm²", 3),
    ("routed_cells", "standard cells", "", 0),
    ("core_used_percent", "core used", "%", 1),
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
    m = outcome.metrics
    return environment.get_template("page.html").render(
        config=config,
        outcome=outcome,
        verdict=_verdict(outcome),
        summary=[(label, f"{m[k]:,.{digits}f}", unit) for k, label, unit, digits in SUMMARY if k in m],
        corners=_corners(config, m),
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


def _corners(config: BuildConfig, metrics: Mapping[str, float]) -> list[dict[str, float | str]]:
    """Static timing by corner: period, slack, and the clock and token rate that it allows."""
    try:
        periods = load_base(config.base).hardening.signoff_ns
    except FlowError:  # a base of several dies, which has no timing yet
        return []
    out: list[dict[str, float | str]] = []
    for corner, period in periods.items():
        slack, hold = (metrics.get(f"sta_{corner}_{kind}_ns") for kind in ("setup", "hold"))
        if slack is None or hold is None:
            continue
        mhz = 1000 / (period - slack)
        cycles = metrics.get("cycles_per_token")
        rate = f"{1e6 * mhz / cycles:,.0f}" if cycles else ""
        out.append({"name": corner, "period": period, "setup": slack, "hold": hold, "mhz": mhz, "rate": rate})
    return out


def _versions(outcome: Outcome) -> list[tuple[str, str]]:
    tools = {c.tool: c.version for c in outcome.checks if c.tool and c.version}
    tools |= {"Python": platform.python_version(), "sc-flow": version("sc-flow")}
    tools["siliconcompiler"] = version("siliconcompiler")
    return sorted(tools.items(), key=lambda t: t[0].lower())


def _command(config: BuildConfig) -> str:
    """A command line that builds this again, with the options that differ from their defaults."""
    words = ["sc-flow", "build", "--model", config.model, "--pdk", config.pdk]
    words += ["--base", config.base] if config.base else []
    default = BuildConfig("", "", "")
    for name in ("prompt", "seed", "temperature", "words", "loss_limit"):
        if (value := getattr(config, name)) != getattr(default, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
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
