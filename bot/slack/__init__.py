"""Slack: the door that people come in by, the notifier that tells them, the manifest that installs the app.

The only package that imports slack_bolt and slack_sdk.
"""
