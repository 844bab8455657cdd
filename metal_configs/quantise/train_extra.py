"""What is told where PyTorch is missing: it comes with the extra `train`."""

__all__ = ["no_pytorch"]

from rtl_gen.errors import ExitCode, FlowError


def no_pytorch(what: str, error: ImportError, *, where: str, otherwise: str) -> FlowError:
    """`what` cannot be done; `otherwise` is the way on without PyTorch."""
    return FlowError(
        f"{what} needs PyTorch ({error})", where=where, code=ExitCode.MISSING_TOOL,
        hint=f'Install it with `pip install "sc-flow[train]"`, or {otherwise}.',
    )  # fmt: skip
