"""For people and builds; never imported by the app."""
