"""Memory macros with their periphery inside: layout and views, all from one spec."""
