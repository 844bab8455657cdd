"""An array in ngspice: columns, corners, models and decks, of which those of macros are made."""
