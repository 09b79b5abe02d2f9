"""One YAML file and the environment, validated into ``Settings``."""
