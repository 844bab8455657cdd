import json

import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid
from rtl_gen.errors import FlowError


def test_sites_survive_json():
    sites = SiteGrid.of(BankSpec(8, 16))
    again = SiteGrid.from_json(sites.to_json())
    assert again == sites
    assert again.x.dtype == np.int64


def test_sites_ascend_and_keep_their_distance():
    sites = SiteGrid.of(BankSpec(64, 40))
    assert sites.shape == (64, 40)
    assert np.diff(sites.x).min() == 690
    assert np.diff(sites.y).min() == 430


def test_vias_lie_at_the_set_bits():
    sites = SiteGrid.of(BankSpec(8, 8))
    bits = np.zeros((8, 8), bool)
    bits[2, 5] = bits[7, 0] = True
    assert sites.centres(bits).tolist() == [[sites.x[5], sites.y[2]], [sites.x[0], sites.y[7]]]


def test_a_site_map_of_another_format_is_refused():
    text = json.dumps({"format": "scf-sites-0"})
    with pytest.raises(FlowError, match=r"format 'scf-sites-0', expected 'scf-sites-1'"):
        SiteGrid.from_json(text)
