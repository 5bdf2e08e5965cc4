"""Devices, generators and switches of torch."""
