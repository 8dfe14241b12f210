"""`penstock bench`: measures servers from outside, by HTTP and /proc. Knows nothing of what is inside them."""
