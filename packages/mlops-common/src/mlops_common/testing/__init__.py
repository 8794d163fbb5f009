"""What tests of every package share: contract classes, one per port, and fixtures."""
