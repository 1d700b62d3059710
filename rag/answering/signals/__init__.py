"""Signals: what search found, or a draft, in; a figure from 0 to 1 out, higher for a good answer.

Each is a small pure function; None where it cannot be measured. Which of them count, and how much,
is decided in confidence.py. retrieval.py needs no draft; tokens.py looks at logprobs, wording.py at
the text alone, support.py at the text beside its passages.
"""
