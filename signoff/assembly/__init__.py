"""What a finished layout holds: every instance, cell, transistor and layer of it accounted for."""
