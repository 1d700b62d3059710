"""Models for browsers: what a browser can run, and making it from the catalogue's files."""
