"""The SRAM macro: cells of eight transistors, with a port that reads as the ROM macro's does."""
