"""From counts to classes, confidence, elements and the unknown."""
