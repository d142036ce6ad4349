"""Whether a map can be trusted: what happens to the answer when the network loses what the map
marks, beside what happens when it loses patches at random.
"""
