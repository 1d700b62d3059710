"""Edge RAG Chat: answers from a person's own documents, judged before they are trusted."""

__version__ = "0.1.0"
