import pytest

from metal_configs import prose
from rtl_gen.errors import ExitCode, FlowError


def test_texts_are_apart_and_small():
    calibration, held = prose.lines("calibration"), prose.lines("heldout")
    assert not set(prose.CALIBRATION_PAGES) & set(prose.HELDOUT_PAGES)
    sentences = {s for x in calibration for s in x.split(". ") if len(s) > 60}
    assert not sentences & {s for x in held for s in x.split(". ")}
    assert sum(map(len, calibration + held)) < 100_000
    assert len(held) > 20
    assert all(x.isascii() and len(x) < 4000 for x in calibration + held)


@pytest.mark.skipif(not (prose.DOCUMENTATION / "arch.html").is_file(), reason="sqlite3-doc is not installed")
def test_texts_come_from_the_documentation():
    made = prose.make()
    for name, text in made.items():
        assert (prose.HERE / f"{name}.txt").read_text() == text


def test_pages(tmp_path):
    sentence = "A sentence that goes on and on, " * 8 + "and then it ends."
    page = f"<p>{sentence}</p><pre>{sentence}</pre><h1>No.</h1>" * 3
    for name in (*prose.CALIBRATION_PAGES, *prose.HELDOUT_PAGES):
        (tmp_path / f"{name}.html").write_text(page)
    text = prose.make(tmp_path)["heldout"].splitlines()
    assert text[0].startswith("# 12 lines of SQLite")
    assert text[1] == " ".join([sentence] * 3)
    with pytest.raises(FlowError, match=r"cannot be read(.|\n)*apt-get install sqlite3-doc") as e:
        prose.make(tmp_path / "none")
    assert e.value.code == ExitCode.MISSING_TOOL
