"""Closures: what is found in the text of modules, and that keys follow each file of them."""

import importlib.metadata
import inspect
import re
import shutil
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from flow.closure import PROJECT, ROOT, Closure, Sources
from flow.graph import CHAIN_STEPS, COLUMN_STEPS, STEPS
from flow.request import PATHS, BuildConfig
from rtl_gen.errors import FlowError

CLASSES = {s.__name__: s for s in (*STEPS, *COLUMN_STEPS, *CHAIN_STEPS)}
OF_STEP = {s.step_name: s for s in STEPS}


def closures(root: Path = ROOT) -> dict[str, Closure]:
    return Sources(root).of_classes(CLASSES)


@pytest.fixture
def tree(tmp_path):
    """Writes modules and data of a small project, and says what the closure of `flow.step` is."""

    def make(**texts: str) -> Closure:
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            for folder in path.relative_to(tmp_path).parents:
                if folder.name and not (tmp_path / folder / "__init__.py").exists():
                    (tmp_path / folder / "__init__.py").write_text("")
        return Sources(tmp_path).closure("flow.step")

    return make


@pytest.mark.parametrize(
    "line",
    [
        "import signoff.a.b",
        "import signoff.a.b as x",
        "from signoff.a import b",
        "from signoff.a.b import name",
        "def work():\n    from signoff.a.b import name",
        "try:\n    import signoff.a.b\nexcept ImportError:\n    pass",
        "class A:\n    def f(self):\n        def g():\n            import signoff.a.b",
        "from flow.other import name",  # which imports it in turn
        "from . import other",
        "from .other import name",
        "from .deep.down import name",
    ],
)
def test_an_import_is_followed_wherever_it_stands(tree, line):
    found = tree(
        flow__step=line, signoff__a__b="name = 1", signoff__c="", flow__other="from signoff.a.b import name",
        flow__deep__down="from ..other import name",
    )  # fmt: skip
    assert {"flow", "flow.step", "signoff", "signoff.a", "signoff.a.b"} <= set(found.modules)
    assert "signoff.c" not in found.modules
    assert {"flow/step.py", "signoff/a/__init__.py", "signoff/a/b.py"} <= set(found.files)


def test_packages_on_the_way_run_too(tree, tmp_path):
    (tmp_path / "signoff").mkdir()
    (tmp_path / "signoff" / "__init__.py").write_text("from signoff.first import x")
    found = tree(flow__step="import signoff.a", signoff__a="", signoff__first="x = 1")
    assert "signoff.first" in found.modules


def test_what_only_a_type_checker_imports_does_not_run(tree):
    text = "import typing\nif typing.TYPE_CHECKING:\n    import signoff.a\nelse:\n    import signoff.b"
    found = tree(flow__step=text, signoff__a="", signoff__b="")
    assert "signoff.b" in found.modules
    assert "signoff.a" not in found.modules


@pytest.mark.parametrize(
    "text",
    [
        "from importlib.resources import files\nfiles('signoff.data').joinpath('x.tcl')",
        "from importlib import resources\ndef f():\n    return resources.files('signoff.data')",
        "import signoff.data.own",
        "import signoff.data.older",
        "import signoff.data.named",
    ],
)
def test_data_of_a_package_that_is_opened_count(tree, tmp_path, text):
    folder = tmp_path / "signoff" / "data" / "below"
    folder.mkdir(parents=True)
    for name in ("x.tcl", "below/y.yaml", "below/z.bin"):
        (folder.parent / name).write_text(name)
    found = tree(
        flow__step=text,
        signoff__data__own="from importlib.resources import files\nfiles(__package__)",
        signoff__data__older="from pathlib import Path\nHERE = Path(__file__).parent",
        signoff__data__named="from importlib import resources\nresources.files('signoff.data')",
    )
    data = {f for f in found.files if not f.endswith(".py")}
    assert data == {f"signoff/data/{n}" for n in ("x.tcl", "below/y.yaml", "below/z.bin")}
    (folder / "y.yaml").write_text("changed")
    assert Sources(tmp_path).closure("flow.step").digest != found.digest
    (folder / "new.yaml").write_text("")
    assert "signoff/data/below/new.yaml" in Sources(tmp_path).closure("flow.step").files


def test_data_of_a_package_that_nothing_opens_do_not_count(tree, tmp_path):
    (tmp_path / "signoff").mkdir()
    (tmp_path / "signoff" / "x.tcl").write_text("")
    assert "signoff/x.tcl" not in tree(flow__step="import signoff.a", signoff__a="").files


def test_variables_of_the_environment_that_are_read_count(tree, tmp_path, monkeypatch):
    text = "import os\na = os.environ['SCF_A']\nb = os.environ.get('SCF_B')\nc = os.getenv('SCF_C', '')"
    monkeypatch.setenv("SCF_A", "1")
    found = tree(flow__step=f"{text}\nd = os.environ.get('SCF_CACHE')\nos.environ['SCF_D'] = ''")
    assert found.environment == {"SCF_A": "1", "SCF_B": "", "SCF_C": ""}
    monkeypatch.setenv("SCF_C", "2")
    assert Sources(tmp_path).closure("flow.step").digest != found.digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import os\nos.environ.get(name)", "does not say which variable"),
        ("from importlib.resources import files\nfiles(package)", "does not say whose data"),
        ("from importlib.resources import files\nfiles('signoff.gone')", "no module signoff.gone"),
    ],
)
def test_what_the_text_does_not_name_is_an_error(tree, text, says):
    with pytest.raises(FlowError, match=says):
        tree(flow__step=text, signoff__a="")


def test_versions_of_libraries_python_and_machine_count(tree, tmp_path, monkeypatch):
    found = tree(flow__step="def f():\n    import numpy.linalg\n    import yaml, json")
    assert set(found.libraries) == {"numpy", "PyYAML", "python", "machine"}
    digests = {found.digest}
    for name in ("platform.python_version", "platform.python_implementation", "platform.machine"):
        with monkeypatch.context() as m:
            m.setattr(name, lambda: "other")
            digests.add(Sources(tmp_path).closure("flow.step").digest)
    with monkeypatch.context() as m:
        m.setattr("flow.closure._version", lambda name: "other")
        digests.add(Sources(tmp_path).closure("flow.step").digest)
        assert "numpy" in Sources(tmp_path).changed(found)
    assert len(digests) == 5


def test_a_library_that_runs_in_another_process_counts(tree):
    text = "import importlib.metadata\ndef f():\n    return importlib.metadata.version('pyosys')"
    assert tree(flow__step=text).libraries["pyosys"] == importlib.metadata.version("pyosys")


def test_a_closure_does_not_depend_on_where_the_project_lies(tree, tmp_path):
    found = tree(flow__step="import signoff.a", signoff__a="")
    shutil.copytree(tmp_path, tmp_path / "elsewhere")
    assert Sources(tmp_path / "elsewhere").closure("flow.step").digest == found.digest


def test_a_file_that_changes_after_the_closure_was_made_is_named(tree, tmp_path):
    found = tree(flow__step="import signoff.a", signoff__a="a = 1")
    assert Sources(tmp_path).changed(found) == []
    (tmp_path / "signoff" / "a.py").write_text("a = 2")
    assert Sources(tmp_path).changed(found) == ["signoff/a.py"]
    (tmp_path / "signoff" / "a.py").unlink()
    assert Sources(tmp_path).changed(found) == ["signoff/a.py"]


def test_every_file_of_every_closure_changes_the_keys_of_its_steps_and_no_others(tmp_path):
    for package in PROJECT:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    before = closures(tmp_path)
    assert before == closures()
    for name in sorted({f for c in before.values() for f in c.files}):
        path = tmp_path / name
        content = path.read_bytes()
        # Of equal size where the text is data, as a time stamp or a size would not show it.
        turned = bytes([content[0] ^ 1]) + content[1:] if content else b"x"
        path.write_bytes(content + b"\n#" if path.suffix == ".py" else turned)
        after = closures(tmp_path)
        path.write_bytes(content)
        moved = {c for c in before if after[c].digest != before[c].digest}
        assert moved == {c for c in before if name in before[c].files}, name


# Edits that left a key as it was, when the sources of each step were listed by hand.
@pytest.mark.parametrize(
    ("step", "file"),
    [
        ("inside_rom", "signoff/gds.py"),
        ("drc_klayout", "signoff/gds.py"),
        ("quantise", "metal_configs/quantise/__init__.py"),
        ("gatesim", "metal_configs/checkpoint/tokens.py"),
        ("readback", "flow/stitching/roms.py"),
        ("antenna", "signoff/readback/shapes.py"),
    ],
)
def test_what_a_step_runs_is_in_its_closure(step, file):
    assert file in Sources().of_classes({step: OF_STEP[step]})[step].files


@pytest.mark.parametrize(
    ("package", "steps"),
    [
        ("metal_configs.quantise", {"base", "tile_rom", "stitch", "metal", "antenna", "seams", "inside_rom"}),
        ("metal_configs.writer", {"quantise", "compile", "readback", "antenna", "seams", "drc_rom"}),
        ("metal_configs.checkpoint", {"base", "tile_rom", "stitch", "metal", "antenna", "seams"}),
        ("metal_configs.compile", {"stitch", "metal", "readback", "gatesim", "seams", "ir_drop", "antenna"}),
        ("signoff.seams", {"quantise", "compile", "metal", "readback", "antenna", "inside_rom"}),
        ("signoff.gatesim", {"metal", "antenna", "drc_klayout", "inside_rom", "drc_rom"}),
        ("signoff.timing", {"metal", "antenna", "drc_klayout", "drc_rom", "stitch"}),
    ],
)
def test_a_step_does_not_depend_on_what_it_has_nothing_to_do_with(package, steps):
    found = Sources().of_classes(OF_STEP)
    assert not {s for s in steps if package in found[s].modules}
    assert any(package in c.modules for c in found.values())
    sizes = {s: len(c.modules) for s, c in found.items()}
    assert max(sizes.values()) < 260, sizes  # of more than 500


def test_data_that_steps_open_are_installed_with_the_package():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = told["tool"]["setuptools"]["package-data"]["*"]
    data = {f for c in closures().values() for f in c.files if not f.endswith(".py") and "/" in f}
    assert not {f for f in data if not any(fnmatch(f, p) for p in (*patterns, "*/py.typed"))}


@pytest.mark.parametrize("step", STEPS, ids=lambda s: s.__name__)
def test_a_step_names_the_settings_and_pdk_files_that_its_text_reads(step):
    """A step that does not is refused when it works, but most of them take minutes to get there."""
    sources = [inspect.getsource(c) for c in step.__mro__ if c.__module__.startswith("flow.tasks.")]
    text = "\n".join(s for s in sources if "class StepTask" not in s)
    stood_for = {PATHS[name] for name in step.config if name in PATHS}  # a digest stands for its path
    assert set(re.findall(r"job\.config\.(\w+)", text)) <= set(step.config) | stood_for
    assert set(re.findall(r"job\.pdk\.path\(\"(\w+)\"\)", text)) <= set(step.roles)
    if "load_model(job.config)" in text:
        assert {"model", "model_digest"} <= set(step.config)
    assert all(hasattr(BuildConfig("words", "", ""), name) for name in step.config)
