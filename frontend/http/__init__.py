"""HTTP's outer side: sockets, TLS, limits, other origins. Knows no endpoint and no body."""
