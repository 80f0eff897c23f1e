"""Speaker networks in torch, without anything around them."""
