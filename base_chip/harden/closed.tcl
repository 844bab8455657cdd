# Before global route and before antennas are repaired in it: areas that it keeps off. scf_closed has the layer, and left,
# bottom, right and top in um.
foreach area $scf_closed {
    lassign $area layer left bottom right top
    set_global_routing_region_adjustment [list $left $bottom $right $top] -layer $layer -adjustment 0.99
}
