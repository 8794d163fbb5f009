"""What is known of a customer at an instant: columns, features, labels."""
