"""Dynamic time warping of recordings against templates."""
