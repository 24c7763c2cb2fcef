"""A Web Push service for tests and teaching: RFC 8030 to servers, the browsers' own to them."""
