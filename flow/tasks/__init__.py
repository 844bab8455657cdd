"""The steps of a build, one module each; `step` holds what they share."""
