"""The networks that fits are made of: built from widths, scaled, looked at, evaluated."""
