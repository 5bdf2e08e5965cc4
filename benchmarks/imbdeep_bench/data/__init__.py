"""Suites of data sets, and what the papers make of theirs."""
