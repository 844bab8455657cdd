"""A cache of its own for each test, and the demo graph as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # SiliconCompiler finds the classes of a graph by importing their module


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`$SCF_CACHE` in the test's folder; no PDK or liberty from outside."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SCF_CACHE", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PDK_ROOT", "SCF_LIBERTY_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


class Demo:
    """Runs tests/flow/demo_build.py; `env` steers its steps (see demo_tasks)."""

    def __init__(self, tmp_path: Path) -> None:
        self.out = tmp_path / "out"
        self.build = self.out / "demo"
        self.log = tmp_path / "demo.log"

    def _argv(self, args: tuple[str, ...]) -> list[str]:
        return [sys.executable, str(HERE / "demo_build.py"), "demo", str(self.out), *args]

    def _env(self, env: dict[str, str]) -> dict[str, str]:
        path = os.pathsep.join((str(HERE), str(HERE.parent.parent)))
        return os.environ | {"PYTHONPATH": path, "DEMO_LOG": str(self.log), "COLUMNS": "120"} | env

    def __call__(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(args), capture_output=True, text=True, env=self._env(env), timeout=120, check=False
        )

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """In a session of its own, so that a test can end all of it."""
        return subprocess.Popen(
            self._argv(args),
            env=self._env(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell lets jobs behind it ignore SIGINT, and so would a process that such a job starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def ran(self) -> list[str]:
        """Steps that have done their work since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return [line.split()[0] for line in lines if line.endswith(" end")]


@pytest.fixture
def demo(tmp_path: Path, fake_kit: Callable[[], None]) -> Demo:
    """The demo graph, on a PDK whose kit is there."""
    fake_kit()
    return Demo(tmp_path)


@pytest.fixture
def fake_kit(cache: Path) -> Callable[[], None]:
    """Puts the smallest kit that `find_pdk` accepts into the cache."""

    def make() -> None:
        import json

        from base_chip.pdk import load_pdk
        from flow.files import sha256_bytes
        from flow.pdk.kit import FORMAT, MANIFEST, kit_root

        pdk = load_pdk("sky130")
        root = kit_root(pdk)
        files = {}
        for role, name in pdk.kit.files.items():
            name = name if Path(name).suffix else f"{name}/file"
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(role)
            files[name] = [sha256_bytes(role.encode()), len(role)]
        (root / MANIFEST).write_text(json.dumps({"format": FORMAT, "files": files}))

    return make
