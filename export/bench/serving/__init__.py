"""Benchmarks of serving: a warm round and a cold start."""
