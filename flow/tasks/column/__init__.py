"""Steps of a chain of dies of one column whose tiles are not all placed and routed."""
