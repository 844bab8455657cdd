"""Steps of a build on dies of a planned base."""
