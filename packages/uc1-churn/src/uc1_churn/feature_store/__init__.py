"""Features as they were, for training, and as they are, for serving."""
