# After global placement. A nor4_1 has four transistors in series to the supply: in the slow corner it took 5 ns for two
# gates, and its slew was beyond the limit. Repair puts buffers behind such a gate, and does not make it larger.
set scf_stronger 0
foreach inst [[ord::get_db_block] getInsts] {
    if { [regexp {^sky130_fd_sc_hd__nor4b*_1$} [[$inst getMaster] getName]] } {
        regsub {_1$} [[$inst getMaster] getName] _2 strong
        $inst swapMaster [[ord::get_db] findMaster $strong]
        incr scf_stronger
    }
}
puts "weak gates made stronger: $scf_stronger"
