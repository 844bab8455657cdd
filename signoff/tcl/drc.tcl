# Design rules of one cell and all below it. Writes $SCF_REPORT: a line a fault, tab-separated: x0, y0, x1,
# y1 in um, the cell that they are of, rule; then `end`, the number of faults and that of cells. Without that
# last line the run is worthless.
#
# Without a window `drc listall why` looks at the shapes of the loaded cell and at what its subcells, with all
# in them, do to each other and to it, but not at what is wrong deep inside of a subcell. So every cell that has
# subcells gets its turn. Cells without any (kit cells, vias, the metal config) do not: alone, without their
# neighbours' taps and wires, they break rules that they keep in their places, where they are looked at as far as
# a rule reaches beyond another shape. One that stood all alone would not be. The background checker stays off,
# as it would do the same work again.
drc off
# The grid is 5 nm from the start: when Magic has to refine it halfway through a cell, contacts go wrong.
scalegrid 1 2
gds read $::env(SCF_GDS)
set top $::env(SCF_TOP)
if {[lsearch -exact [cellname list allcells] $top] < 0} {
    puts "SCF fault: no cell $top in the layout"
    quit -noprompt
}
set cells [list $top]
for {set n 0} {$n < [llength $cells]} {incr n} {
    foreach child [cellname list children [lindex $cells $n]] {
        if {[lsearch -exact $cells $child] < 0} { lappend cells $child }
    }
}
load $top
drc euclidean on
drc style drc(full)
set um [cif scale out]
set report [open $::env(SCF_REPORT) w]
set count 0
set checked 0
foreach cell $cells {
    if {$cell ne $top && [llength [cellname list children $cell]] == 0} { continue }
    incr checked
    load $cell
    select top cell
    foreach {why boxes} [drc listall why] {
        foreach box $boxes {
            foreach v $box { puts -nonewline $report "[format %.3f [expr {$v * $um}]]\t" }
            puts $report "$cell\t$why"
            incr count
        }
    }
}
puts $report "end\t$count\t$checked"
close $report
quit -noprompt
