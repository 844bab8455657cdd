# Before the views are written. What ports.tcl put in is not to be touched, so supplies passed it by.
foreach inst [[ord::get_db_block] getInsts] { $inst setDoNotTouch 0 }
global_connect
