"""What a fitted blend says of itself: scores, pictures, columns and cautions."""
