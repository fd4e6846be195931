"""The chat as a person sees it, pure: typed lines and events go in, effects and views come out.

Both faces stand on it, and the driver above them; nothing here knows a face, a socket or a clock.
"""
