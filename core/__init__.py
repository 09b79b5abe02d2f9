"""The ticket engine: no network, no chat platform, no web framework."""
