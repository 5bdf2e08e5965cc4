"""What users bring, arrays and frames of any library, read, checked and built."""
