"""End to end, on real processes and stock browsers: `walk` and `browser`, which the commands start,
and the tests. Imports `push_service.testing` and never `app`: it sees what a user sees."""
