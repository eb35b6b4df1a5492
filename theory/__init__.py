"""The mathematics: objects of the papers, the claims made about them, and evidence without chance."""
