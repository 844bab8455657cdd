"""Keys change with what a step depends on, and with nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from flow.keys import folder_files, step_key

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


def test_folder_files_names_every_file_by_content(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"1")
    first = folder_files(tmp_path)
    (tmp_path / "d" / "f").write_bytes(b"2")
    assert list(first) == ["d/f"]
    assert folder_files(tmp_path) != first
