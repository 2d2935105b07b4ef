"""Vitrine on one machine: the development server and its state."""
