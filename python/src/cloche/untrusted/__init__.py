"""What strangers wrote, and how much of it is believed."""
