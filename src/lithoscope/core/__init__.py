"""What things are: energy axis, spectrum, scan, composition, mineral, instrument, labels."""
