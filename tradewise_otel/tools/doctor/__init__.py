"""What a newcomer would have to know to see nothing go wrong: looked at one by one, told with its remedy."""
