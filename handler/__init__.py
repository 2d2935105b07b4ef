"""Everything that serves a request: small, quick to start, and never importing `export`."""
