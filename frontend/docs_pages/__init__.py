"""Pages that show the API's description in a browser. They load nothing from elsewhere."""
