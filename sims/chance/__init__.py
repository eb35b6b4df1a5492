"""Streams, draws, intervals, searches and trials; every draw comes from an explicit generator."""
