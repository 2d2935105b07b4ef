"""What to show next: strategies rank products, a page is arranged from the ranking."""
