"""`nnscratch play`: a local page on which one builds a small network and watches it train."""
