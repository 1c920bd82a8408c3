"""What a home expects and what it bids."""
