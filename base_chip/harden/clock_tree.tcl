# Before clock tree synthesis. Each word of the key/value memory has a clock gate of its own that drives a handful
# of flip-flops; a tree behind each of some 700 gates would add 2,500 buffers, so gates with few loads are
# left alone. Delay buffers that balance the banks' clock pins against flip-flops would add 5 ns to the tree: a bank
# evaluates in the clock's low half whenever its word line comes.
set scf_small {}
foreach inst [[ord::get_db_block] getInsts] {
    if { [string match *dlclkp* [[$inst getMaster] getName]] } {
        set net [[$inst findITerm GCLK] getNet]
        if { [$net getITermCount] <= 25 } { lappend scf_small [$net getName] }
    }
}
puts "clock gates that drive their flip-flops directly: [llength $scf_small]"
set_cts_config -skip_nets $scf_small
rename clock_tree_synthesis scf_clock_tree_synthesis
proc clock_tree_synthesis { args } {
    scf_clock_tree_synthesis -no_insertion_delay {*}$args
    scf_pass_on [ord::get_db_block]
}

# A tile hands its clock on through one buffer that stands where the clock comes in, ahead of the tile's own tree: as a
# leaf of the tree it came as late as the flip-flops, and each tile added that to those to its east. The clock that
# comes in is a wire of the tile to the west, too, so it has an antenna diode.
proc scf_pass_on { block } {
    set onward [$block findNet clk_east]
    if { $onward == "NULL" } { return }
    set gate [[$onward getFirstOutput] getInst]
    $gate swapMaster [[ord::get_db] findMaster sky130_fd_sc_hd__clkbuf_16]
    set in [$gate findITerm A]
    $in disconnect
    $in connect [$block findNet clk]
    set box [[$block findBTerm clk] getBBox]
    $gate setLocation [$box xMax] [$box yMin]
    set diode [odb::dbInst_create $block [[ord::get_db] findMaster sky130_fd_sc_hd__diode_2] diode_clk]
    [$diode findITerm DIODE] connect [$block findNet clk]
    $diode setLocation [$box xMax] [$box yMin]
    $diode setPlacementStatus PLACED
    puts "clock to the east: [$gate getName] at ([$box xMax], [$box yMin])"
}
