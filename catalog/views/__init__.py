"""Pages of the catalogue, one room a page, and the door for the forge's webhooks."""
