"""The process, its cells and a bank as SiliconCompiler's OpenROAD tasks want them described."""

__all__ = ["bank_library", "cell_library", "process"]

from collections.abc import Iterable, Mapping
from pathlib import Path

from siliconcompiler.tools.openroad import OpenROADPDK, OpenROADStdCellLibrary

from base_chip.pdk.place_route import PlaceRoute
from flow.pdk.files import PdkFiles
from rtl_gen.errors import ExitCode, FlowError

PF = 1e-12


def process(files: PdkFiles, facts: PlaceRoute, adjustment: Mapping[str, float]) -> OpenROADPDK:
    """The PDK: tech LEF, extraction rules, layers, and and what wires are before they are routed."""
    pdk = OpenROADPDK()
    pdk.set_name(files.name)
    pdk.set_stackup("default")
    with pdk.active_fileset("tech"):
        pdk.add_file(str(files.path("tech_lef")), filetype="lef")
        pdk.add_aprtechfileset("openroad")
    pdk.set_aprroutinglayers(min=facts.routing["bottom"], max=facts.routing["top"])
    pdk.set_openroad_rclayers(signal=facts.wire_rc["signal"], clock=facts.wire_rc["clock"])
    pdk.add_openroad_pinlayers(vertical=facts.pins["vertical"], horizontal=facts.pins["horizontal"])
    for layer, share in adjustment.items():
        pdk.set_openroad_globalroutingderating(layer, share)
    for corner in sorted({c.parasitics for c in facts.corners.values()}):
        for layer, ohm in facts.resistance.items():
            pdk.add_openroad_rclayer(corner, "routing", layer, ohm, facts.capacitance[layer] * PF)
        for via, ohm in facts.via_resistance.items():
            pdk.add_openroad_rclayer(corner, "via", via, ohm)
        with pdk.active_fileset(f"extraction.{corner}"):
            pdk.add_file(str(_rules(files, corner)), filetype="openrcx")
            pdk.add_pexmodelfileset("openroad", corner)
    return pdk


def cell_library(
    files: PdkFiles, facts: PlaceRoute, pdk: OpenROADPDK, lef: Path, dont_use: Iterable[str]
) -> OpenROADStdCellLibrary:
    """The standard cells; `lef` is their LEF, `dont_use` names those that this block must do without.

    Raises:
        FlowError: There is no liberty for a corner (MISSING_TOOL).
    """
    library = OpenROADStdCellLibrary()
    library.set_name(facts.library)
    library.add_asic_pdk(pdk)
    library.add_asic_site(facts.site)
    for corner, c in facts.corners.items():
        if c.liberty not in files.liberty:
            raise _missing(f"no liberty for corner {c.liberty}")
        with library.active_fileset(f"timing.{corner}"):
            library.add_file(str(files.liberty[c.liberty]), filetype="liberty")
            library.add_asic_libcornerfileset(corner, "nldm")
    with library.active_fileset("physical"):
        library.add_file(str(lef), filetype="lef")
        library.add_asic_aprfileset()
    with library.active_fileset("connect"):
        library.add_file(str(facts.scripts / "connect.tcl"), filetype="tcl")
        library.add_openroad_globalconnectfileset()
    with library.active_fileset("power_grid"):
        library.add_file(str(facts.scripts / "power_grid.tcl"), filetype="tcl")
        library.add_openroad_powergridfileset()
    library.set_openroad_tapcells_file(str(facts.scripts / "tapcell.tcl"))
    library.set_openroad_macro_placement_halo(*facts.bank_halo)
    for use, cells in facts.cells.items():
        library.add_asic_celllist(use, list(cells))
    library.add_asic_celllist("dontuse", [f"{facts.library}__{cell}" for cell in dont_use])
    library.set_openroad_tielow_cell(*facts.tie_low)
    library.set_openroad_tiehigh_cell(*facts.tie_high)
    return library


def bank_library(name: str, views: Path, facts: PlaceRoute, pdk: OpenROADPDK) -> OpenROADStdCellLibrary:
    """A bank macro, from the LEF and liberty views in a folder."""
    library = OpenROADStdCellLibrary()
    library.set_name(name)
    library.add_asic_pdk(pdk)
    for corner, c in facts.corners.items():
        with library.active_fileset(f"timing.{corner}"):
            library.add_file(str(views / f"{name}__{c.liberty}.lib"), filetype="liberty")
            library.add_asic_libcornerfileset(corner, "nldm")
    with library.active_fileset("physical"):
        library.add_file(str(views / f"{name}.lef"), filetype="lef")
        library.add_asic_aprfileset()
    return library


def _rules(files: PdkFiles, corner: str) -> Path:
    if corner not in files.extraction:
        raise _missing(f"no OpenRCX extraction rules for corner {corner}")
    return files.extraction[corner]


def _missing(what: str) -> FlowError:
    return FlowError(
        what,
        hint="Set SCF_LIBERTY_DIR to a folder with liberty and <corner>.rules, or install lambdapdk's data.",
        code=ExitCode.MISSING_TOOL,
    )
