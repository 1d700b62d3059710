"""What a chat page's events do, by subject; importing a module registers its handlers."""
