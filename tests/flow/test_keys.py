"""Keys change with what a step depends on, and with nothing else."""

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow.keys import code_digest, folder_files, step_key

names = st.text(min_size=1, max_size=8)
tables = st.dictionaries(names, names, max_size=4)
parts = st.fixed_dictionaries(
    {
        "code": names,
        "config": st.dictionaries(names, st.one_of(names, st.integers(), st.none()), max_size=4),
        "inputs": tables,
        "tools": tables,
        "pdk": tables,
    }
)


@given(names, parts, names, parts)
def test_two_keys_are_equal_just_when_everything_is(a, p, b, q):
    assert (step_key(a, **p) == step_key(b, **q)) == ((a, p) == (b, q))


@given(names, parts)
def test_key_does_not_depend_on_the_order_of_settings(name, p):
    turned = {k: dict(reversed(v.items())) if isinstance(v, dict) else v for k, v in p.items()}
    assert step_key(name, **turned) == step_key(name, **p)


@given(names, st.sampled_from(["config", "inputs", "tools", "pdk"]), names, names)
def test_a_setting_counts_for_the_part_it_is_in(name, part, key, value):
    base = {"code": "", "config": {}, "inputs": {}, "tools": {}, "pdk": {}}
    keys = {step_key(name, **(base | {p: {key: value}})) for p in ("config", "inputs", "tools", "pdk")}
    assert len(keys) == 4
    assert step_key(name, **(base | {part: {key: value}})) in keys


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "pkg_under_test"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "data.yaml").write_text("a: 1")
    (root / "one.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    for name in [m for m in sys.modules if m.startswith("pkg_under_test")]:
        del sys.modules[name]


def digest(*modules: str) -> str:
    code_digest.cache_clear()
    return code_digest(modules)


def test_code_digest_sees_sources_and_data_but_not_bytecode(package: Path):
    before = digest("pkg_under_test")
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "one.pyc").write_text("junk")
    assert digest("pkg_under_test") == before
    (package / "data.yaml").write_text("a: 2")
    assert digest("pkg_under_test") != before


def test_code_digest_takes_a_folder_of_data(package: Path):
    (package / "tcl").mkdir()
    (package / "tcl" / "a.tcl").write_text("puts 1")
    before = digest("pkg_under_test.tcl")
    (package / "tcl" / "a.tcl").write_text("puts 2")
    assert digest("pkg_under_test.tcl") != before


def test_code_digest_of_a_module_ignores_its_neighbours(package: Path):
    before = digest("pkg_under_test.one")
    (package / "two.py").write_text("y = 1")
    assert digest("pkg_under_test.one") == before
    (package / "one.py").write_text("x = 2")
    assert digest("pkg_under_test.one") != before


def test_code_digest_does_not_depend_on_where_the_package_lies(package: Path, tmp_path, monkeypatch):
    before = digest("pkg_under_test")
    other = tmp_path / "elsewhere"
    shutil.copytree(package, other / "pkg_under_test")
    shutil.rmtree(package)
    sys.modules.pop("pkg_under_test", None)
    monkeypatch.syspath_prepend(other)
    assert digest("pkg_under_test") == before


def test_folder_files_names_every_file_by_content(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"1")
    first = folder_files(tmp_path)
    (tmp_path / "d" / "f").write_bytes(b"2")
    assert list(first) == ["d/f"]
    assert folder_files(tmp_path) != first
