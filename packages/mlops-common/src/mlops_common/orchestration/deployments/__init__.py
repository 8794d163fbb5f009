"""What use cases deploy, and who runs it: a worker, or a process that serves."""
