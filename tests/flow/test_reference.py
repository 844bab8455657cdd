import dataclasses
from pathlib import Path

import pytest

from base_chip.schema import field_types, plain
from flow.reference import FILES, page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configs.md"


def test_the_page_is_that_of_the_types():
    assert PAGE.read_text("utf-8") == page(), "python -m flow.reference > docs/reference/configs.md"


@pytest.mark.parametrize("kind", FILES.values())
def test_every_field_is_described(kind):
    for name, typed in field_types(kind).items():
        assert plain(typed)[1].description, f"{kind.__name__}.{name}"
        assert name in {f.name for f in dataclasses.fields(kind)}
