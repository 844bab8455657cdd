import warnings

from flow.apidoc import write_reference


def test_the_reference_is_made_without_a_warning(tmp_path):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        write_reference(tmp_path)
    assert [str(w.message) for w in told if "pdoc" in w.filename] == []
    page = (tmp_path / "flow.html").read_text("utf-8")
    for name in ("build", "load_model", "plan", "quantise"):
        assert f'id="{name}"' in page
    assert "<h6" in page or "Arguments:" in page  # sections of docstrings are sections of the page
    assert 'id="parse"' in (tmp_path / "base_chip" / "schema.html").read_text("utf-8")
