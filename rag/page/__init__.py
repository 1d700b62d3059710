"""What the chat page shows, as plain values; nothing here knows Chainlit."""
