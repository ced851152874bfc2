"""Which tests a change needs: by what they reach, and by a model of what breaks them."""
