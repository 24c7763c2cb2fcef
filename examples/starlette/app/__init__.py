"""Soup of the day: guests ask to be told, the kitchen says what it cooked."""
