"""What to buy, at what price, with which probability, and what may be doubted."""
