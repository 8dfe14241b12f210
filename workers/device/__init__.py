"""Where a rank computes, as far as plans need to know: order, copies, graphs. Knows no model."""
