"""What an IP Multimedia Subsystem asks of a phone; imported by accounts with "ims" only."""
