"""The notebook in docs runs, cell by cell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


@pytest.mark.flow
def test_the_notebook_runs(tmp_path, pdk_kit):
    cells = json.loads(TOUR.read_text("utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    (tmp_path / "tour.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "tour.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "bits of code per weight" in done.stdout
    assert "dies of base reticle" in done.stdout
    assert "metal      done" in done.stdout
    assert "build/words/report.html" in done.stdout.splitlines()
    assert (tmp_path / "build" / "words" / "metal" / "die0" / "chip.gds").is_file()
