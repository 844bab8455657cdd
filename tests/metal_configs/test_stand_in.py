"""Files that are not what their name says: pointers, pages, parts, files of other programs."""

import shutil

import pytest
from gguf import GGUFReader, GGUFWriter

from metal_configs.checkpoint import load
from rtl_gen.errors import FlowError
from tests.metal_configs import exports
from tests.metal_configs.exports import PIECES, SHAPE

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 2179989632\n"
STANDS_IN = {
    POINTER: r"is a Git LFS pointer.*\n.*git lfs pull",
    b"# xet version 0\nfilesize = 10\n": "is a Git Xet pointer",
    b"/annex/objects/MD5-s10--abc\n": "is a git-annex pointer",
    b"\n<!DOCTYPE html>\n<html>": "is a web page",
    b"<html><body>Not found": "is a web page",
}


@pytest.mark.parametrize(("data", "says"), STANDS_IN.items())
@pytest.mark.parametrize("name", ["m.gguf", "m.bin", "m.safetensors", "no suffix"])
def test_a_file_in_the_place_of_a_checkpoint_is_named(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FlowError, match=rf"{name}: {says}"):
        load(path)


@pytest.mark.parametrize(("data", "says"), STANDS_IN.items())
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "generation_config.json"]
)
def test_a_file_in_the_place_of_one_of_a_folder_is_named(tmp_path, name, data, says):
    folder = exports.huggingface(tmp_path / "hf", SHAPE, exports.weights())
    (folder / name).write_bytes(data)
    with pytest.raises(FlowError, match=rf"{name}: {says}"):
        load(folder).tokenizer()


def test_a_pointer_in_the_place_of_a_llama2c_tokenizer(tmp_path):
    path = exports.llama2c(tmp_path / "m.bin", SHAPE, exports.weights())
    (tmp_path / "tokenizer.bin").write_bytes(POINTER)
    with pytest.raises(FlowError, match=r"tokenizer.bin: is a Git LFS pointer"):
        load(path).tokenizer()
    exports.llama2c_tokens(tmp_path / f"tok{SHAPE.vocab}.bin", PIECES)
    assert load(path).tokenizer().get_vocab_size() == SHAPE.vocab


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02\x8a\nl"])
def test_a_file_of_pytorch_is_named(tmp_path, start):
    (tmp_path / "pytorch_model.bin").write_bytes(start + bytes(100))
    with pytest.raises(FlowError, match=r"pytorch_model.bin: is a file of PyTorch"):
        load(tmp_path / "pytorch_model.bin")


def test_folders_that_hold_the_checkpoint_elsewhere(tmp_path):
    cache = tmp_path / "models--org--name"
    (cache / "snapshots").mkdir(parents=True)
    inner = exports.huggingface(cache / "snapshots" / "4c0d1e", SHAPE, exports.weights())
    with pytest.raises(FlowError, match=rf"Hugging Face cache; give the one inside it: {inner}"):
        load(cache)
    other = tmp_path / "download"
    other.mkdir()
    file = exports.write_gguf(other / "m.gguf", SHAPE, exports.weights())
    with pytest.raises(FlowError, match=rf"give its own path: {file}"):
        load(other)


def split(whole, count: int) -> list:
    """The file in parts, as gguf-split writes them: keys in the first, tensors over all."""
    read = GGUFReader(whole)
    tensors = read.tensors
    out = []
    for n in range(count):
        path = whole.with_name(f"{whole.stem}-{n + 1:05}-of-{count:05}.gguf")
        w = GGUFWriter(str(path), "llama")
        if n == 0:
            for f in read.fields.values():
                if not f.name.startswith("GGUF.") and f.name != "general.architecture":
                    w.add_key_value(
                        f.name, f.contents(), f.types[0], f.types[1] if len(f.types) > 1 else None
                    )
        w.add_uint16("split.no", n)
        w.add_uint16("split.count", count)
        w.add_int32("split.tensors.count", len(tensors))
        for t in tensors[n::count]:
            w.add_tensor(t.name, t.data)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        out.append(path)
    return out


@pytest.fixture
def parts(tmp_path):
    whole = exports.write_gguf(tmp_path / "m.gguf", SHAPE, exports.weights(), **exports.spm())
    return whole, split(whole, 3)


def test_a_split_gguf_is_read_from_any_of_its_parts(parts):
    whole, files = parts
    want = load(whole)
    for file in files:
        c = load(file)
        assert c.shape == want.shape
        assert c.ends == want.ends
        for name in want.names():
            assert (c.tensor(name) == want.tensor(name)).all()
        assert c.tokenizer().get_vocab_size() == len(PIECES)


def test_a_split_gguf_without_a_part_names_it(parts):
    _, files = parts
    files[1].unlink()
    message = r"m-00002-of-00003.gguf: no such file, 1 of the 3 files of a split model.*\n.*missing: m-00002"
    with pytest.raises(FlowError, match=message):
        load(files[0])
    with pytest.raises(FlowError, match=r"m-00002-of-00003.gguf: no such file"):
        load(files[2])
    files[1].write_bytes(POINTER)
    with pytest.raises(FlowError, match=r"m-00002-of-00003.gguf: is a Git LFS pointer"):
        load(files[0])


def test_parts_whose_names_or_tensors_do_not_belong_together(parts, tmp_path):
    whole, files = parts
    alone = tmp_path / "renamed.gguf"
    shutil.copy(files[0], alone)
    with pytest.raises(FlowError, match="is one of 3 files of a split model by its header, of 1 by its name"):
        load(alone)
    files[2].write_bytes(files[1].read_bytes())
    with pytest.raises(FlowError, match=r"m-00003-of-00003.gguf: tensor \S+ comes twice"):
        load(files[0])
    # A name alone makes no part.
    odd = whole.with_name("m-00001-of-00001.gguf")
    shutil.copy(whole, odd)
    assert load(odd).shape == SHAPE
