"""sc-flow from Python: the same as the commands, with values in place of text."""

import subprocess
import sys

import pytest

import flow
from rtl_gen.errors import ExitCode, FlowError


def test_every_name_that_is_offered_is_there_and_no_other():
    for name in flow.__all__:
        assert callable(getattr(flow, name))
    with pytest.raises(AttributeError, match="nonsense"):
        flow.nonsense  # noqa: B018


def test_the_package_alone_imports_nothing_heavy():
    code = "import flow, sys; print(sorted(m for m in sys.modules if m in ('numpy', 'siliconcompiler')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_model_is_quantised_and_nothing_is_printed(capsys):
    said = []
    rounded = flow.quantise(flow.load_model("words"), method="rtn", say=said.append)
    assert rounded.average_bits == pytest.approx(4.0838, abs=1e-4)
    assert capsys.readouterr() == ("", "")


def test_a_plan_is_the_command_s():
    from flow.chain.config import plan_of

    found = flow.plan("smollm2-135m", base="slot")
    assert found.to_json() == plan_of("smollm2-135m", "sky130", "slot", None, None).to_json()


def test_what_cannot_be_done_is_a_message_with_its_code():
    with pytest.raises(FlowError) as e:
        flow.build("words", base="none")
    assert e.value.code == ExitCode.USAGE
    with pytest.raises(FlowError, match="no model and no checkpoint"):
        flow.load_model("nothing")
