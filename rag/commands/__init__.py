"""The commands of ``python -m rag``: each module adds some to the group in rag/cli.py."""
