"""What a shuttle asks of a layout beside design rules and LVS: boundary, pins, labels, names and grid."""
