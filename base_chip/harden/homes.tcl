# After global placement. Cells of a module whose macros lie around one region are moved there when they have come to
# lie elsewhere: placement pulls some across the macros while these are not yet in their way, and cannot bring them
# back. scf_homes has the beginning of their names, and left, bottom, right and top in um.
set scf_moved 0
set scf_dbu [[ord::get_db_tech] getDbUnitsPerMicron]
foreach inst [[ord::get_db_block] getInsts] {
    if { [$inst isFixed] } { continue }
    set name [string map {"\\" ""} [$inst getName]]
    foreach home $scf_homes {
        lassign $home module left bottom right top
        if { [string first $module $name] != 0 } { continue }
        set box [$inst getBBox]
        set x [$box xMin]
        set y [$box yMin]
        set to_x [expr { round(min(max($x, $left * $scf_dbu), $right * $scf_dbu - [$box getDX])) }]
        set to_y [expr { round(min(max($y, $bottom * $scf_dbu), $top * $scf_dbu - [$box getDY])) }]
        if { $to_x != $x || $to_y != $y } {
            $inst setLocation $to_x $to_y
            incr scf_moved
        }
        break
    }
}
puts "cells moved to where their module lies: $scf_moved"
