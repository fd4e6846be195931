"""The chat itself, pure: packets, facts and times go in, outputs come out. The floors above carry the outputs out."""
