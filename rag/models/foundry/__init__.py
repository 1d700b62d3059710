"""Foundry Local: its running service found, and its runtime in a process of our own."""
