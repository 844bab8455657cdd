"""A build with something of everything, as its steps leave it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow.outcome import Outcome, StepRow
from flow.request import BuildConfig
from signoff.result import CheckResult


@pytest.fixture
def outcome() -> Outcome:
    checks = [
        CheckResult("lvs", "Netgen", "1.5", 0, 0, "pass", detail="2 devices <match>"),
        CheckResult("lvs_control", "Netgen", "1.5", 0, 0, "pass", detail="found: a swap"),
        CheckResult("drc", "Magic", "8.3", 2, 0, "fail", detail="met1.2 at (1, 2)"),
        CheckResult("sta", "", "", None, None, "not run", "sta is not installed"),
    ]
    steps = [StepRow("lvs", "done", 2.0, 3.5, False, "2 devices"), StepRow("sta", "not run", 0, 0, False)]
    steps += [StepRow(name, "done", 0, 0, True) for name in ("quantise", "figures", "ir_drop")]
    metrics = {"rom_bits": 131072.0, "cycles_per_token": 1000.0}
    return Outcome(steps, checks, ["once <b>upon</b> a time"], True, metrics)


@pytest.fixture
def config() -> BuildConfig:
    return BuildConfig("words", "", "abc", seed=7)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "build" / "words"
    (folder / "figures").mkdir(parents=True)
    (folder / "quantise").mkdir()
    for name in ("chip", "bank", "cell", "rom"):
        Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(folder / "figures" / f"{name}.png")
    told = {
        "pictures": [{"name": n, "text": f"The {n}", "window": None} for n in ("chip", "bank", "cell")],
        "rom": {
            "about": "Banks side by side",
            "use": {"program": "3 rows", "q": "5 rows", "unused": "4 rows"},
        },
        "codes": {"layers.0.q": {"bits": 3, "counts": [0, 1, 2, 3, 4, 3, 2, 1]}},
        "areas": [{"kind": "adders", "cells": 1200, "um2": 3456.0}],
    }
    (folder / "figures" / "figures.json").write_text(json.dumps(told))
    score = {"nll": 1.9, "tokens": 10, "top1": 0.36}
    rows = [
        {
            "name": "float",
            "text": "prose",
            "agreement": 1.0,
            "nll_ratio": 1.0,
            "perplexity": 6.7,
            "score": score,
        }
    ]
    loss = {"rows": rows, "errors": {"layers.0.q": 0.05}, "bits": {"layers.0.q": 3}}
    (folder / "quantise" / "loss.json").write_text(json.dumps(loss))
    (folder / "ir_drop").mkdir()
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(folder / "ir_drop" / "ir_drop.png")
    parts = {"switching": 3.0, "inside": 2.0, "bit_lines": 0.5, "leakage": 0.001}
    typical = {"volts": 1.8, "mw": 5.5, "nj_per_token": 480.0, "drop_mv": 0.7, "drop_percent": 0.04}
    power = {
        "typical": {
            **typical,
            "worst": "u1",
            "parts_mw": parts,
            "blocks_mw": {"clock tree": 2.0, "logic": 1.0},
        }
    }
    (folder / "ir_drop" / "power.json").write_text(json.dumps(power))
    return folder
