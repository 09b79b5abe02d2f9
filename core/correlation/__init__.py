"""Which alerts belong together, and why: pure, incremental, measured."""
