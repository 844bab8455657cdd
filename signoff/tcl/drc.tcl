# Design rules of one cell in a window. Writes $SCF_REPORT: a line a fault, tab-separated: x0, y0, x1, y1 in um, the
# cell that they are of, rule; then `end`, the number of faults and that of cells. Without that last line the run
# is worthless.
#   SCF_GDS, SCF_CELL  a layout and a cell in it
#   SCF_WINDOW         x0 y0 x1 y1 in um: where faults are listed; rules see what is around it
#
# `drc listall why` looks at the shapes of the loaded cell and at what its subcells, with all in them, do to each
# other and to it, but not at what is wrong deep inside of a subcell: `signoff/drc_parts.py` gives each cell its
# turn. The background checker stays off, as it would do the same work again.
drc off
# The grid is 5 nm from the start: when Magic has to refine it halfway through a cell, contacts go wrong.
scalegrid 1 2
gds read $::env(SCF_GDS)
set cell $::env(SCF_CELL)
if {[lsearch -exact [cellname list allcells] $cell] < 0} {
    puts "SCF fault: no cell $cell in the layout"
    quit -noprompt
}
load $cell
drc euclidean on
drc style drc(full)
# The first check loads layers that other rules are checked on, and that sets the step anew while the check is
# going on: all of it would be done twice. So the first is one of nothing.
box values 0 0 1i 1i
drc listall why
# One step for a window: Magic cuts its work at multiples of this, and looks at 20 um around each piece once more.
drc *stepsize 2000000
set um [cif scale out]
set window {}
foreach v $::env(SCF_WINDOW) { lappend window [expr {round($v / $um)}] }
foreach {x0 y0 x1 y1} $window { box values ${x0}i ${y0}i ${x1}i ${y1}i }
if {[box values] ne $window} {
    puts "SCF fault: the box is [box values], not $window"
    quit -noprompt
}
set report [open $::env(SCF_REPORT) w]
set count 0
foreach {why boxes} [drc listall why] {
    foreach box $boxes {
        foreach v $box { puts -nonewline $report "[format %.3f [expr {$v * $um}]]\t" }
        puts $report "$cell\t$why"
        incr count
    }
}
puts $report "end\t$count\t1"
close $report
quit -noprompt
