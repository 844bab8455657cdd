# Every supply pin of cells and banks to the two supply nets.
foreach {net kind pins} {VPWR -power {VPWR VPB} VGND -ground {VGND VNB}} {
    foreach pin $pins {
        add_global_connection -net $net -inst_pattern .* -pin_pattern "^$pin\$" $kind
    }
}
