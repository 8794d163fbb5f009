"""From a prediction, or a model, back to everything that it was made from."""
