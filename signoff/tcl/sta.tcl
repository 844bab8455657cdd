# Static timing of one corner, from liberty without times, netlist, constraints and SDF.
#   SCF_LIBERTY   liberty files
#   SCF_NETLIST, SCF_TOP, SCF_SDC, SCF_SDF
#   SCF_THROUGH   pins for which the paths through them are told apart
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
puts "SCF end"

