# After global placement. A clock gate that drives hundreds of flip-flops would get a tree of its own behind the one
# that it hangs on, 5 ns later than flip-flops without a gate: 28,000 um2 of delay cells held against that. Each such
# gate becomes as many as it takes for 16 flip-flops each, neighbours by neighbours, and strong enough to drive them
# alone; the tree then ends at the gates.
set scf_most 16

# The sinks, halved by place until no part has more than the most.
proc scf_parts { sinks } {
    global scf_most
    if { [llength $sinks] <= $scf_most } { return [list $sinks] }
    set xs [lsort -integer [lmap s $sinks { lindex $s 1 }]]
    set ys [lsort -integer [lmap s $sinks { lindex $s 2 }]]
    set wide [expr { [lindex $xs end] - [lindex $xs 0] > [lindex $ys end] - [lindex $ys 0] }]
    set sorted [lsort -integer -index [expr { $wide ? 1 : 2 }] $sinks]
    set half [expr { [llength $sorted] / 2 }]
    return [concat [scf_parts [lrange $sorted 0 $half-1]] [scf_parts [lrange $sorted $half end]]]
}

proc scf_move { gate sinks } {
    set x 0
    set y 0
    foreach sink $sinks {
        incr x [lindex $sink 1]
        incr y [lindex $sink 2]
    }
    $gate setLocation [expr { $x / [llength $sinks] }] [expr { $y / [llength $sinks] }]
}

set scf_block [ord::get_db_block]
set scf_gates {}
foreach inst [$scf_block getInsts] {
    if { [string match *dlclkp* [[$inst getMaster] getName]] } { lappend scf_gates $inst }
}
set scf_new 0
foreach gate $scf_gates {
    set net [[$gate findITerm GCLK] getNet]
    set sinks {}
    foreach iterm [$net getITerms] {
        if { [$iterm isOutputSignal] } { continue }
        set box [[$iterm getInst] getBBox]
        lappend sinks [list $iterm [$box xMin] [$box yMin]]
    }
    set parts [scf_parts $sinks]
    if { [llength $sinks] > 4 } {
        regsub {_\d+$} [[$gate getMaster] getName] _4 strong
        $gate swapMaster [[ord::get_db] findMaster $strong]
    }
    if { [llength $parts] == 1 } { continue }
    scf_move $gate [lindex $parts 0]
    set n 0
    foreach part [lrange $parts 1 end] {
        incr n
        incr scf_new
        set twin [odb::dbInst_create $scf_block [$gate getMaster] "[$gate getName]_part$n"]
        foreach pin {CLK GATE} { [$twin findITerm $pin] connect [[$gate findITerm $pin] getNet] }
        set behind [odb::dbNet_create $scf_block "[$net getName]_part$n"]
        [$twin findITerm GCLK] connect $behind
        foreach sink $part {
            [lindex $sink 0] disconnect
            [lindex $sink 0] connect $behind
        }
        scf_move $twin $part
        $twin setPlacementStatus PLACED
    }
}
puts "clock gates: [llength $scf_gates], and $scf_new more so that none drives more than $scf_most flip-flops"
