"""Steps of a build on a chain of dies of tiles."""
