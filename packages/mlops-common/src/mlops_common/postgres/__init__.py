"""PostgreSQL: a server of our own or any other, and tables in and out of it."""
