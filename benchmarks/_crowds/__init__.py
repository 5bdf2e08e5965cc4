"""The experiments of the crowdsourcing chapter, behind crowds.py."""
