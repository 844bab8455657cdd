# Netlists of several cells, for LVS. $SCF_CELLS names them; writes <cell>.spice for each.
drc off
# The grid is 5 nm from the start: when Magic has to refine it halfway through a cell, contacts go wrong.
scalegrid 1 2
gds read $::env(SCF_GDS)
foreach cell $::env(SCF_CELLS) {
    if {[lsearch -exact [cellname list allcells] $cell] < 0} {
        puts "SCF fault: no cell $cell in the layout"
        quit -noprompt
    }
    load $cell
    select top cell
    port makeall
    extract style ngspice()
    extract do local
    extract all
    ext2spice lvs
    ext2spice -o $cell.spice
}
quit -noprompt
