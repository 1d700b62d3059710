"""The OpenAI-compatible API for other front ends; health and metrics for operators."""
