"""What timing checks read: a routed netlist, its SDF, and what the kit's cells do."""
