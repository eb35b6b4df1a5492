"""The methods that untrained networks are compared with."""
