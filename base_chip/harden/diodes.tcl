# After detailed route: diodes for antennas below wires that are routed, where there is room for them and for vias down to
# them (diodes.py finds the places). Diodes that the router has to lead wires to would cost a second detailed route.
proc scf_diode { name cell x y orient net layer args } {
    lappend ::scf_mended $name $net
    set block [ord::get_db_block]
    set tech [ord::get_db_tech]
    set net [$block findNet $net]
    set inst [odb::dbInst_create $block [[ord::get_db] findMaster $cell] $name]
    $inst setOrient $orient
    $inst setLocation $x $y
    $inst setPlacementStatus PLACED
    [$inst findITerm DIODE] connect $net
    set way [odb::dbWireEncoder]
    $way append [$net getWire]
    $way newPath [$tech findLayer $layer] ROUTED
    foreach step $args {
        lassign $step x y via
        $way addPoint $x $y
        if { $via != "" } { $way addTechVia [$tech findVia $via] }
    }
    $way end
}

# A net with the routing that is told: wires, vias and patches as `jumpers.py` writes them.
proc scf_rewire { name args } {
    lappend ::scf_mended $name ""
    set tech [ord::get_db_tech]
    set net [[ord::get_db_block] findNet $name]
    odb::dbWire_destroy [$net getWire]
    set way [odb::dbWireEncoder]
    $way begin [odb::dbWire_create $net]
    foreach piece $args {
        lassign $piece layer a b c d e f
        $way newPath [$tech findLayer $layer] ROUTED
        switch [llength $piece] {
            4 {
                $way addPoint $a $b
                $way addTechVia [$tech findVia $c]
            }
            5 {
                $way addPoint $a $b
                $way addRect 0 0 [expr { $c - $a }] [expr { $d - $b }]
            }
            7 {
                scf_end $way $a $b $c
                scf_end $way $d $e $f
            }
        }
    }
    $way end
}

proc scf_end { way x y beyond } {
    if { $beyond == "-" } { $way addPoint $x $y } else { $way addPoint $x $y $beyond 0 }
}

set scf_rounds 0
set scf_mended {}
while { [check_antennas -report_file antennas.rpt] != 0 } {
    if { $scf_rounds == 0 } { remove_fillers }
    set scf_before [llength $scf_mended]
    write_def routed.def
    puts [exec -ignorestderr $scf_python -m base_chip.harden.diodes $scf_antenna_cell ANTENNA_below_${scf_rounds}_ \
        routed.def antennas.rpt diodes.tcl {*}$scf_lefs]
    source diodes.tcl
    global_connect
    incr scf_rounds
    # What there is no room for, the router's own repair mends
    if { [llength $scf_mended] == $scf_before } { break }
}
if { $scf_rounds > 0 } {
    sc_insert_fillers
    drt::check_drc -output_file diodes.drc
    set scf_drc [open diodes.drc]
    foreach line [split [read $scf_drc] "\n"] {
        foreach {- name} [regexp -all -inline {(?:net|inst):(\S+)} $line] {
            if { $name != "" && $name in $scf_mended } { error "diodes below wires break design rules: $line, [file normalize diodes.drc]" }
        }
    }
    close $scf_drc
    puts "diodes and jumpers: [expr { [llength $scf_mended] / 2 }]"
}
