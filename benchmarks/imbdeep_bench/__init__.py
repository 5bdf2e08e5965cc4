"""What the three commands are made of; README.md, a folder up, has the map."""
