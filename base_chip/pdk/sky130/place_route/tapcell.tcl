# Latch-up: n-diff at most 15 um from a tap. Rows end before a macro, whose n-well needs 1.27 um (nwell.2a), as the
# block says by scf_halo.
lassign $scf_halo scf_halo_x scf_halo_y
cut_rows -halo_width_x $scf_halo_x -halo_width_y $scf_halo_y
# Rows that are too narrow to meet a strap of each supply go. Some must be left at every height, in the channels of a
# tile: the legaliser that repairs antennas calls every cell of a block illegal that has none somewhere. Cells stay
# out of those, taps too.
set scf_dbu [[ord::get_db_tech] getDbUnitsPerMicron]
set scf_channels [dict create]
foreach scf_row [[ord::get_db_block] getRows] {
    set scf_box [$scf_row getBBox]
    if { [$scf_box dx] < $scf_least_row * $scf_dbu } {
        odb::dbRow_destroy $scf_row
    } elseif { [$scf_box dx] < 2 * $scf_least_row * $scf_dbu } {
        dict set scf_channels [$scf_box yMin] 1
        odb::dbBlockage_create [ord::get_db_block] \
            [$scf_box xMin] [$scf_box yMin] [$scf_box xMax] [$scf_box yMax]
    }
}
tapcell -distance 13 -tapcell_master sky130_fd_sc_hd__tapvpwrvgnd_1 -halo_width_x $scf_halo_x -halo_width_y $scf_halo_y
foreach inst [[ord::get_db_block] getInsts] {
    if { [string match *__tap* [[$inst getMaster] getName]] && [dict exists $scf_channels [[$inst getBBox] yMin]] } {
        odb::dbInst_destroy $inst
    }
}
