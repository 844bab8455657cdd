"""Steps of a build on one die of tiles."""
