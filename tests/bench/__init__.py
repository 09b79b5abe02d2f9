"""Speed, measured: ``python -m tests.bench`` (about ten minutes), ``--smoke`` (one minute, to see that it runs)."""
