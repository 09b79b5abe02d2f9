"""Against real programs: Prometheus, Alertmanager, and ``deskbell serve`` as a process of its own."""
