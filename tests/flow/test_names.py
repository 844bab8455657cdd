"""What results are called: names of any model, and never one folder for two."""

import json

import pytest

from flow.chain.config import make_chain_config, plan_of
from flow.cli import main
from flow.config import folder_name, make_config, model_name
from flow.lock import claim
from metal_configs.checkpoint import path_name
from rtl_gen.errors import ExitCode, FlowError
from tests.metal_configs import exports


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Llama-3.1-8B", "Llama-3.1-8B"),
        ("Llama-3_1-8B", "Llama-3_1-8B"),
        ("Llama-3.2-1B", "Llama-3.2-1B"),
        ("models--org--Some-Model.1/snapshots/4c0d1e2f", "Some-Model.1"),
        ("models--gpt/snapshots/4c0d1e2f", "gpt"),
        ("snapshots/4c0d1e2f", "4c0d1e2f"),
        ("4c0d1e2f", "4c0d1e2f"),
        ("7b model", "7b_model"),
        ("mod\u00e8le", "mod_le"),
        (".hidden", "_hidden"),
        ("-rf", "_rf"),
        ("x" * 200, "x" * 100),
    ],
)
def test_names_of_folders(tmp_path, path, name):
    (tmp_path / path).mkdir(parents=True)
    assert folder_name(path_name(tmp_path / path)) == name
    assert model_name(str(tmp_path / path), tmp_path / path) == name
    assert path_name(tmp_path / path / "config.json") == path_name(tmp_path / path)


def test_names_of_files(tmp_path):
    for file, name in (
        ("SmolLM2-135M.Q4_1.gguf", "SmolLM2-135M.Q4_1"),
        ("Llama-3.1-8B-00002-of-00003.gguf", "Llama-3.1-8B"),
        ("stories260K.bin", "stories260K"),
        ("no.suffix", "no.suffix"),
    ):
        assert path_name(tmp_path / file) == name


def test_a_name_of_dots_is_that_of_the_folder_it_means(tmp_path, monkeypatch):
    (tmp_path / "real" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "real" / "inner")
    assert path_name(path=tmp_path / "real" / "inner" / "..") == "real"
    assert [path_name(type(tmp_path)(p)) for p in (".", "..")] == ["inner", "real"]


def test_known_names_keep_their_folders(tmp_path):
    assert model_name("llama3.1-8b", tmp_path) == "llama3_1_8b"
    config = make_chain_config("smollm2-135m", plan_of("smollm2-135m", "sky130", "slot", None), synthetic=1)
    assert config.model == "smollm2_135m_slot_synthetic_1"
    raw = exports.huggingface(tmp_path / "Llama-3.1-8B", exports.SHAPE, exports.weights())
    config = make_chain_config(str(raw), plan_of(str(raw), "sky130", "slot", None), synthetic=1)
    assert config.model == "Llama-3.1-8B_slot_synthetic_1"


def test_a_folder_is_one_models(tmp_path):
    claim(tmp_path, "/a/m", "1")
    claim(tmp_path, "/a/m", "2")  # trained further
    claim(tmp_path, "/b/m", "2")  # moved
    before = (tmp_path / ".model.json").read_bytes()
    with pytest.raises(FlowError, match=r"holds results of another model of this name: /b/m") as found:
        claim(tmp_path, "/c/m", "3")
    assert found.value.code == ExitCode.OUTPUT
    assert (tmp_path / ".model.json").read_bytes() == before
    for damaged in ("", "[1]", '{"path": 3, "digest": []}', "{}"):
        (tmp_path / ".model.json").write_text(damaged)
        if damaged != '{"path": 3, "digest": []}':
            claim(tmp_path, "/c/m", "3")
            assert json.loads((tmp_path / ".model.json").read_bytes()) == {"path": "/c/m", "digest": "3"}


@pytest.fixture
def here(tmp_path, monkeypatch, fake_kit):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "args"), [("build", ()), ("quantise", ()), ("build", ("--to", "quantise"))]
)
@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (
            "abcdefghijklmnopqrst",
            "the prompt has 21 tokens, with the one that opens it, the model's context 16",
        ),
        ("Zo\u00eb 7", "does not know 'Z', '\u00eb', ' ', '7'"),
    ],
)
def test_a_prompt_is_looked_at_before_anything_runs(here, capsys, command, args, prompt, says):
    assert main([command, "--model", "words", "--prompt", prompt, *args]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert says in err
    assert not (here / "build").exists()
    assert "Traceback" not in out + err


def test_a_temperature_of_the_right_kind_still_builds_a_config(here):
    assert make_config("words", prompt="abc").prompt == "abc"


def test_a_model_without_a_base_can_be_asked_to_be_quantised():
    assert make_config("story", base=None).base == ""
