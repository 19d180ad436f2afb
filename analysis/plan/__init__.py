"""What to buy, at what price, with which probability, and with which caveats."""
