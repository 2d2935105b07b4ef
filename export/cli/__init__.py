"""The `vitrine` command: options, and what each command prints."""
