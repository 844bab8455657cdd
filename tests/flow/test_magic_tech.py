"""The Magic technology file, fitted to an older Magic."""

import pytest

from flow.pdk.magic_tech import adapt, tech_for_magic
from rtl_gen.errors import FlowError

TEXT = r"""tech
 format 35
 sky130A
end
version
 version 1.0
 requires magic-8.3.411
end
drc
 width w>=0.42 140 "device w<0.42 is only a message here"
 fringeshieldhalo is not a statement of this section
end
extract
 style ngspice
 fringeshieldhalo 8
 defaultsidewall allm1 metal1 44 0.25
 defaultsidewall *poly active 16.0
 device msubcircuit nfet_01v8 nfet \
    *ndiff pwell w>=0.42 l=l w=w
 device msubcircuit special_nfet nfet *ndiff pwell \
    w<0.42 l=l w=w
 device rsubcircuit res_0p35 res w>0.34 w<0.36 l=l
 device rsubcircuit res_any res l=l w=w
 device bjt npn *ndiff dnwell a1>0.99 a1<1.01
end
"""


def test_a_new_enough_magic_takes_the_file_as_it_is():
    for version in ("8.3.411", "8.3.500", "8.4.0"):
        assert adapt(TEXT, version) == (TEXT, [])


def test_an_older_magic_gets_what_it_understands():
    text, edits = adapt(TEXT, "8.3.105")
    assert " requires magic-8.3.105" in text
    extract = text[text.index("\nextract\n") :]
    assert "fringeshieldhalo" not in extract
    assert " defaultsidewall allm1 metal1 44\n" in extract
    assert " defaultsidewall *poly active 16.0\n" in extract
    lines = [" ".join(x.split()) for x in extract.splitlines() if x.startswith(" device")]
    assert lines == [
        "device msubcircuit nfet_01v8 nfet *ndiff pwell l=l w=w",
        "device rsubcircuit res_any res l=l w=w",
    ]
    assert len(edits) == 7
    assert edits[0].line == 7
    assert edits[0].new == "requires magic-8.3.105"


def test_other_sections_stay_byte_for_byte():
    text, _ = adapt(TEXT, "8.3.105")

    def drc(t: str) -> str:
        return t[t.index("\ndrc\n") : t.index("\nextract\n")]

    assert drc(text) == drc(TEXT)


def test_versions_are_compared_as_numbers():
    assert adapt(TEXT.replace("411", "99"), "8.3.105")[1] == []


def test_a_file_that_does_not_say_what_it_requires_is_refused():
    with pytest.raises(FlowError, match="requires magic"):
        adapt("tech\nend\n", "8.3.105")


def test_the_adapted_copy_is_kept_and_mended(tmp_path, cache):
    source = tmp_path / "sky130A.tech"
    source.write_text(TEXT)
    assert tech_for_magic(source, "8.3.411") == source
    path = tech_for_magic(source, "8.3.105")
    assert path.name == source.name
    assert cache in path.parents
    good = path.read_bytes()
    path.write_text("damaged")
    assert tech_for_magic(source, "8.3.105") == path
    assert path.read_bytes() == good
