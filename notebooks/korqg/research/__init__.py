"""The ladder and the kept example: what made the figures."""
