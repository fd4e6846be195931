"""What is said: every packet with its fields, and the rules for names. Everybody builds on this; it knows nobody."""
