# Latch-up: n-diff at most 15 um from a tap. Rows end 4 um before a bank, whose n-well needs 1.27 um (nwell.2a).
cut_rows -halo_width_x 4 -halo_width_y 4
tapcell -distance 13 -tapcell_master sky130_fd_sc_hd__tapvpwrvgnd_1 -halo_width_x 4 -halo_width_y 4
