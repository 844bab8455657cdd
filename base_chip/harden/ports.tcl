# After global placement. What a tile's input hangs on is the next tile's wire, which neither tile sees whole: so each
# input gets an antenna diode, and a buffer with a large gate, as the antenna rules compare a wire's sides with the gate
# (a buf_6 has 0.495 um2, a flip-flop 0.126). The clock gets its diode with its tree (clock_tree.tcl).
set scf_buffers 0
set scf_kept {}
set scf_block [ord::get_db_block]
foreach port [$scf_block getBTerms] {
    set net [$port getNet]
    if { [$port getIoType] != "INPUT" || [$port getSigType] in {POWER GROUND} || [$port getName] == "clk" } { continue }
    set loads [$net getITerms]
    if { [llength $loads] == 0 } { continue }
    set box [$port getBBox]
    set name [string map {"[" _ "]" ""} [$port getName]]
    set buffer [odb::dbInst_create $scf_block [[ord::get_db] findMaster sky130_fd_sc_hd__buf_6] "input_$name"]
    set diode [odb::dbInst_create $scf_block [[ord::get_db] findMaster sky130_fd_sc_hd__diode_2] "diode_$name"]
    set inside [odb::dbNet_create $scf_block "inside_$name"]
    foreach load $loads {
        $load disconnect
        $load connect $inside
    }
    [$buffer findITerm X] connect $inside
    [$buffer findITerm A] connect $net
    [$diode findITerm DIODE] connect $net
    foreach inst [list $buffer $diode] {
        $inst setLocation [$box xMin] [$box yMin]
        $inst setPlacementStatus PLACED
        lappend scf_kept $inst
    }
    incr scf_buffers
}

# What leaves on the west edge goes to rows of tiles on wires in the die's margin, up to 7 mm and 1.5 pF of them, which
# the tile does not see either: a flip-flop that drives one by itself takes 28 ns (slow), a buf_16 2.
set scf_feeds 0
foreach port [$scf_block getBTerms] {
    if { [$port getIoType] != "OUTPUT" || ![string match "west_*" [$port getName]] } { continue }
    set net [$port getNet]
    set box [$port getBBox]
    set name [string map {"[" _ "]" ""} [$port getName]]
    set buffer [odb::dbInst_create $scf_block [[ord::get_db] findMaster sky130_fd_sc_hd__buf_16] "feed_$name"]
    set inside [odb::dbNet_create $scf_block "inside_$name"]
    foreach pin [$net getITerms] {
        $pin disconnect
        $pin connect $inside
    }
    [$buffer findITerm A] connect $inside
    [$buffer findITerm X] connect $net
    $buffer setLocation [$box xMin] [$box yMin]
    $buffer setPlacementStatus PLACED
    incr scf_feeds
    lappend scf_kept $buffer
}
# Supplies first: what nobody may touch, they pass by.
global_connect
foreach inst $scf_kept { $inst setDoNotTouch 1 }
puts "inputs with a buffer and a diode: $scf_buffers; outputs with a buffer: $scf_feeds"
