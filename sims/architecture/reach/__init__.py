"""The range of a network against a measurement: its dimension, and RIP on differences."""
