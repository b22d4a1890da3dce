"""topics: one module per thing the demo model can talk about.

Each module has `make(rng, held_out) -> Segment`. `held_out` says on which side of split.py the
drawn item must lie. generate.py holds the table of topics and their shares.
"""
