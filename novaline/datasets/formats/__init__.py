"""The formats of datasets: the shapes of their rows, and every rule that AWS's pages and containers have for them."""
