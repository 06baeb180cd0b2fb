"""A Kamailio IMS core for the interoperability tests."""
