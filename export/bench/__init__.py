"""Measuring how soon a shopper finds what they have in mind: `vitrine bench`. The shop itself never imports this."""
