# Before antenna repair of a global route that leaves some wires without a track: repair would refuse to begin.
rename repair_antennas scf_repair_antennas
proc repair_antennas { args } {
    return [scf_repair_antennas {*}$args -allow_congestion]
}
