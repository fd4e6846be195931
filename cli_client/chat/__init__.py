"""The chat as a person sees it, pure: what was typed or received goes in, effects come out. No face, no socket."""
