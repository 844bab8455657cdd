# Latch-up: n-diff at most 15 um from a tap. Rows end before a macro, whose n-well needs 1.27 um (nwell.2a), as the
# block says by scf_halo.
lassign $scf_halo scf_halo_x scf_halo_y
cut_rows -halo_width_x $scf_halo_x -halo_width_y $scf_halo_y
# Rows that are too narrow to meet a strap of each supply go. Some must be left at every height: the legaliser that
# repairs antennas calls every cell of a block illegal that has none somewhere.
foreach scf_row [[ord::get_db_block] getRows] {
    set scf_box [$scf_row getBBox]
    if { [$scf_box dx] < $scf_least_row * [[ord::get_db_tech] getDbUnitsPerMicron] } { odb::dbRow_destroy $scf_row }
}
tapcell -distance 13 -tapcell_master sky130_fd_sc_hd__tapvpwrvgnd_1 -halo_width_x $scf_halo_x -halo_width_y $scf_halo_y
