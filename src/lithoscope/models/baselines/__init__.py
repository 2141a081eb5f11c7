"""Classical ways to name a mineral, beside which the networks are measured."""
