"""From library and instrument to simulated measurements and phantom scans."""
