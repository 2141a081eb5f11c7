"""Static figures; no science in them."""
