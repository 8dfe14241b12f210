"""Tool formats by the shape of their calls: data, and no more. None knows the others."""
