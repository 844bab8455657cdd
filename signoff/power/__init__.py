"""Power of a token, and what it drops on the supplies."""
