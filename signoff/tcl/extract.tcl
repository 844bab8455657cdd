# Netlist of one cell, for LVS. Writes $SCF_NETLIST.
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
port makeall
extract style ngspice()
extract do local
extract all
ext2spice lvs
ext2spice -o $::env(SCF_NETLIST)
quit -noprompt
