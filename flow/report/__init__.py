"""The report of a build: one HTML page that holds everything, for a colleague who has none of the tools."""
