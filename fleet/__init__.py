"""Many repositories change at once: campaigns, waves, targets."""
