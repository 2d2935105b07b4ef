"""Benchmarks, `vitrine bench` among them. Nothing that serves or indexes imports this."""
