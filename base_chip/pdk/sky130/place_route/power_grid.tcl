# Rails on met1, straps on met4 and met5. Over a macro met5 straps meet its own met4 straps. scf_straps is told by the
# block: a tile's straps end at its edges, where those of its neighbours begin.
set_voltage_domain -name CORE -power VPWR -ground VGND
define_pdn_grid -name core -voltage_domains CORE -pins met5
add_pdn_stripe -grid core -layer met1 -width 0.48 -pitch 5.44 -offset 0 -followpins
add_pdn_stripe -grid core -layer met4 -width 1.6 -pitch 27.14 -offset 13.57 {*}$scf_straps
add_pdn_stripe -grid core -layer met5 -width 1.6 -pitch 27.2 -offset 13.6 {*}$scf_straps
add_pdn_connect -grid core -layers {met1 met4}
add_pdn_connect -grid core -layers {met4 met5}
define_pdn_grid -macro -default -name banks -voltage_domains CORE -halo {2 2 2 2} -grid_over_pg_pins
add_pdn_connect -grid banks -layers {met4 met5}
