"""Pages for browsers, packaged and served without any other host."""
