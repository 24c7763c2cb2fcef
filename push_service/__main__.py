"""`python -m push_service`."""

from push_service.cli import main

main()
