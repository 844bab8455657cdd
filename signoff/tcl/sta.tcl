# Static timing of one corner, from liberty without times, netlist, constraints and SDF.
#   SCF_LIBERTY   liberty files
#   SCF_NETLIST, SCF_TOP, SCF_SDC, SCF_SDF
#   SCF_FLOPS     cell, clock and output of each flop: "dfxtp_1 CLK Q ..."
#   SCF_THROUGH   pins for which the paths through them are told apart
#   SCF_BANKS     instances of banks;  SCF_PRECHARGE, SCF_WORDS, SCF_BITS  their pins
# Every part of what is printed begins with a line "SCF <part>".
set sta_report_default_digits 4
foreach file $env(SCF_LIBERTY) { read_liberty $file }
read_verilog $env(SCF_NETLIST)
link_design $env(SCF_TOP)
set_operating_conditions -analysis_type on_chip_variation
read_sdc $env(SCF_SDC)
read_sdf $env(SCF_SDF)

puts "SCF annotated"
report_annotated_delay -list_not_annotated
report_annotated_check -list_not_annotated
foreach {part delay} {setup max hold min} {
  puts "SCF $part"
  report_checks -path_delay $delay -group_count 1000000 -format end -digits 4
}
puts "SCF width"
report_pulse_width_checks -digits 4
puts "SCF constraints"
check_setup -verbose
foreach pin $env(SCF_THROUGH) {
  foreach {part delay} {setup max hold min} {
    puts "SCF through_$part $pin"
    report_checks -path_delay $delay -through [get_pins $pin] -format end -digits 4
  }
}
foreach bank $env(SCF_BANKS) {
  puts "SCF bank $bank"
  report_checks -path_delay max -through [get_pins $bank/$env(SCF_BITS)] -format end -digits 4
}
# When PRE_N and word lines move: what flops and inputs do to them comes while the clock holds them.
foreach {cell from to} $env(SCF_FLOPS) {
  set_disable_timing -from $from -to $to [get_lib_cells */$cell]
}
foreach bank $env(SCF_BANKS) {
  foreach pin [get_pins "$bank/$env(SCF_PRECHARGE) $bank/$env(SCF_WORDS)"] {
    puts "SCF pin $bank [get_name $pin]"
    report_arrival $pin
  }
}
puts "SCF end"

