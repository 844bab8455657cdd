"""Hardened artifacts, one folder a base."""
