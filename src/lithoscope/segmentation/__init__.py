"""From predictions to a mineral map: smooth, quantify, save."""
