"""What can be done, whichever door it comes through: the API, a page or a push over Git."""
