"""``kill -9`` at random moments, under load, again and again: ``python -m tests.chaos --rounds 50``."""
