# Design rules of one cell and all below it. Writes $SCF_REPORT: a line a fault, tab-separated: x0, y0, x1,
# y1 in um, rule; then `end` and the number of faults. Without that last line the run is worthless.
#
# `drc listall why` checks the expanded cell anew, subcells and their interactions included; the background
# checker stays off, as it would do the same work a second time.
drc off
# The grid is 5 nm from the start: when Magic has to refine it halfway through a cell, contacts go wrong.
scalegrid 1 2
gds read $::env(SCF_GDS)
set top $::env(SCF_TOP)
if {[lsearch -exact [cellname list allcells] $top] < 0} {
    puts "SCF fault: no cell $top in the layout"
    quit -noprompt
}
load $top
select top cell
expand
drc euclidean on
drc style drc(full)
set um [cif scale out]
set report [open $::env(SCF_REPORT) w]
set count 0
foreach {why boxes} [drc listall why] {
    foreach box $boxes {
        foreach v $box { puts -nonewline $report "[format %.3f [expr {$v * $um}]]\t" }
        puts $report $why
        incr count
    }
}
puts $report "end\t$count"
close $report
quit -noprompt
