"""Who speaks: networks that name speakers, trained and judged. See README.md."""
